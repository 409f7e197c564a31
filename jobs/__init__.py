"""One stage a module. Whichever is run, and however, has the environment that `infra.environment` says."""

import infra  # noqa: F401
