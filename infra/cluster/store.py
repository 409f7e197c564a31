"""The S3 server: versitygw, which stores each object as a file, and creates an object only if it does not exist when asked to."""

from infra.cluster.network import SERVICES
from infra.cluster.settings import BUCKETS, REGION, S3_PORT, USER, Settings
from infra.local.daemon import Daemon
from infra.local.paths import JOBS_ENVIRONMENT


def s3(settings: Settings) -> Daemon:
    """Return the server, with its buckets."""
    folder = settings.state.home / "s3"
    for bucket in BUCKETS:
        (folder / bucket).mkdir(parents=True, exist_ok=True)
    command = [str(JOBS_ENVIRONMENT / "bin" / "versitygw"), "--port", f"{settings.services}:{S3_PORT}"]
    command += ["--region", REGION, "posix", str(folder)]
    keys = {"ROOT_ACCESS_KEY": USER, "ROOT_SECRET_KEY": settings.password("s3")}
    return Daemon("s3", settings.state, settings.network.command(SERVICES, command), keys)
