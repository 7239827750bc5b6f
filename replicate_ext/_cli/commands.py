"""All commands: where each is, and what the help of its group says of it. Only the one that runs is imported."""

from __future__ import annotations

GROUPS = {
    "predictions": "List, show, follow, cancel and save predictions.",
    "trainings": "Start, list, show, follow and cancel trainings.",
    "files": "Upload, list, show, download and delete files.",
    "map": "Run a model on many rows, each bought once: map MODEL ROWS -o FOLDER.",
    "models": "Find models, and write typed functions for them.",
    "deployments": "Run models on hardware of their own.",
    "webhooks": "Receive and verify webhooks.",
}
"""What the help says of the commands that have commands of their own."""

DEFAULTS = {"map": "run"}
"""The command that a group runs if its first argument names none: with {"map": "run"}, `map REF` is `map run REF`."""

COMMANDS = {
    # run.py
    "run": ("run:run", "Run a model, and print its output."),
    "stream": ("run:stream", "Run a model, and print its output as it arrives."),
    "submit": ("run:submit", "Create a prediction, and print its id."),
    "wait": ("run:wait", "Wait for a prediction, and print its output."),
    # batch.py
    "map run": ("batch:run", "Run a model on all rows of a file, and print a report."),
    "map resume": ("batch:resume", "Continue a batch that was stopped, without its rows."),
    "map retry": ("batch:retry", "Buy rows that have failed again, and continue."),
    "map status": ("batch:status", "Print how far a batch is, also while it runs."),
    "map report": (
        "batch:report",
        "Print what a batch has done, bought and spent; of several folders, all shards together.",
    ),
    "map export": ("batch:export", "Write a table with a line for each row: .jsonl, .csv or .parquet."),
    "map cancel": ("batch:cancel", "Cancel what a batch has left running; `map resume` buys these rows again."),
    # predictions.py
    "predictions list": ("predictions:list_predictions", "List predictions, newest first."),
    "predictions show": ("predictions:show", "Show predictions: status, error, metrics, input and output."),
    "predictions watch": ("predictions:watch", "Follow a prediction until it ends, and print its output."),
    "predictions cancel": ("predictions:cancel", "Cancel predictions."),
    "predictions save": ("predictions:save", "Save the output of predictions, as far as it still exists."),
    # models.py
    # models.py, model_pages.py
    "models search": ("model_pages:search", "Search public models."),
    "models show": ("model_pages:show", "Show a model."),
    "models schema": ("model_pages:schema", "Show the inputs and the output of a model."),
    "models versions": ("model_pages:versions", "List the versions of a model, newest first."),
    "models add": ("models:add", "Add models to a typed module, or replace them."),
    "models update": ("models:update", "Replace models by their latest versions, and report the changes."),
    "models check": ("models:check", "Report what `update --all` would change; exit with 1 if it would."),
    "models list": ("models:list_models", "List the models of a typed module."),
    "models generate": ("models:generate", "Write a typed module from its lock, offline."),
    # trainings.py
    "trainings list": ("trainings:list_trainings", "List trainings, newest first."),
    "trainings show": ("trainings:show", "Show trainings: status, error, metrics, input and output."),
    "trainings create": ("trainings:create", "Start a training, and print its id."),
    "trainings watch": ("trainings:watch", "Follow a training until it ends, and print the version that it has made."),
    "trainings cancel": ("trainings:cancel", "Cancel trainings."),
    # deployments.py
    "deployments list": ("deployments:list_deployments", "List your deployments, newest first."),
    "deployments show": ("deployments:show", "Show a deployment, with the release that it runs."),
    "deployments create": ("deployments:create", "Deploy a model on hardware of its own."),
    "deployments update": ("deployments:update", "Change the version, hardware or scaling of a deployment."),
    "deployments delete": ("deployments:delete", "Delete a deployment that is offline."),
    # files.py
    "files put": ("files:put", "Upload files, and print their ids and URLs."),
    "files list": ("files:list_files", "List uploads, newest first."),
    "files get": ("files:get", "Show uploads: name, size, type, checksums and URL."),
    "files download": ("files:download", "Download the content of an upload, by a signed URL."),
    "files delete": ("files:delete", "Delete uploads."),
    # catalog.py
    "collections": ("catalog:collections", "List the collections of models, or the models of one."),
    "hardware": ("catalog:hardware", "List the hardware that models run on."),
    "account": ("catalog:account", "Show the account that the token belongs to."),
    # webhooks.py
    "webhooks secret": ("webhooks:secret", "Print the secret that signs your webhooks."),
    "webhooks verify": ("webhooks:verify", "Verify that a delivery is from Replicate, and print it."),
    "webhooks listen": ("webhooks:listen", "Receive webhooks on this machine, verify and print them."),
    # api.py
    "api": ("api:api", "Send any request to the API, and print the body of the response."),
    # login.py
    "login": ("login:login", "Check an API token, and store it."),
    "logout": ("login:logout", "Delete the token that `login` has stored."),
    "whoami": ("login:whoami", "Print the account of the token, and where the token comes from."),
    # emulator.py
    "emulator": ("emulator:emulator", "Run a local server that implements Replicate's API."),
    # completion.py
    "completion": ("completion:completion", "Print the script that completes commands in a shell."),
}
"""The module and attribute of each command, and the first line of its docstring, in the order of the help."""
