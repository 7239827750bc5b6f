"""The client behind the functions of the package.

It reads the environment when one of them is called first: REPLICATE_API_TOKEN may be set after they were imported.
"""

from __future__ import annotations

from .client import AsyncReplicate, Replicate

_client = Replicate._of_environment()
_async_client = AsyncReplicate._of_environment()

account = _client.account
async_run = _async_client.run
async_stream = _async_client.stream
collections = _client.collections
deployments = _client.deployments
files = _client.files
hardware = _client.hardware
models = _client.models
paginate = _client.paginate
predictions = _client.predictions
request = _client.request
run = _client.run
search = _client.search
stream = _client.stream
trainings = _client.trainings
wait = _client.wait
