"""The names of this package that generated modules and users import, from the modules that define them."""

from ._runtime.arguments import (
    drop_omitted as drop_omitted,
    dump_params as dump_params,
    expand_path as expand_path,
    format_path as format_path,
    format_query as format_query,
    split_owner_and_name as split_owner_and_name,
)
from ._runtime.calls import Call as Call, Endpoint as Endpoint, Operation as Operation
from ._runtime.codecs import (
    ANY as ANY,
    BOOLEAN as BOOLEAN,
    BYTES as BYTES,
    DATE as DATE,
    DATETIME as DATETIME,
    INTEGER as INTEGER,
    NULL as NULL,
    NUMBER as NUMBER,
    OBJECT as OBJECT,
    STRING as STRING,
    UUID_ as UUID_,
    Codec as Codec,
)
from ._runtime.composite_codecs import (
    AnyOf as AnyOf,
    Const as Const,
    EnumOf as EnumOf,
    KeyOf as KeyOf,
    ListOf as ListOf,
    Nested as Nested,
)
from ._runtime.deprecation import warn_deprecated as warn_deprecated
from ._runtime.records import Field as Field, Record as Record, RequestRecord as RequestRecord, dump as dump
from ._runtime.requests import Request as Request, Upload as Upload
from ._runtime.responses import (
    Alternative as Alternative,
    Response as Response,
    load_alternative as load_alternative,
    load_response as load_response,
    load_untyped as load_untyped,
    loads as loads,
    to_response as to_response,
)
from ._runtime.styles import Style as Style
from ._runtime.values import UNSET as UNSET, OpenEnum as OpenEnum, Unset as Unset
