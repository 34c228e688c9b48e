"""A bucket on loopback: moto's S3 server, and projects that keep their files in it."""

import threading
from contextlib import contextmanager

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.project import Project, make_project

NAME, PREFIX = "my-bucket", "lora"
LOGIN = {"ACCESS_KEY": "somebody", "SECRET_KEY": "hush"}


class Bucket:
    """The bucket: its files by their paths in the project, and what is called at each request."""

    def __init__(self):
        self.url = ""
        self.watch = lambda method, path: None

    def open(self, url):
        self.url = url
        client = boto3.resource(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=LOGIN["ACCESS_KEY"],
            aws_secret_access_key=LOGIN["SECRET_KEY"],
        )
        self._bucket = client.create_bucket(Bucket=NAME)
        # What an earlier test of this process stored is still there, and its runs would be done.
        self._bucket.objects.all().delete()

    def files(self):
        """Return when each file was stored."""
        objects = self._bucket.objects.filter(Prefix=f"{PREFIX}/")
        return {one.key.removeprefix(f"{PREFIX}/"): one.last_modified for one in objects}

    def read(self, path):
        return self._bucket.Object(f"{PREFIX}/{path}").get()["Body"].read()

    def send(self, folder, root):
        for path in folder.rglob("*"):
            self._bucket.upload_file(str(path), f"{PREFIX}/{path.relative_to(root)}")


@contextmanager
def served():
    """Serve a bucket."""
    app, bucket = DomainDispatcherApplication(create_backend_app), Bucket()

    def watched(environ, start_response):
        bucket.watch(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, watched, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bucket.open(f"http://127.0.0.1:{server.server_port}")
    yield bucket
    server.shutdown()
    thread.join()


class RemoteProject(Project):
    """A project on a machine that has the pipeline alone; its files are in the bucket."""

    def __init__(self, root, bucket):
        super().__init__(make_project(root).root)
        self.environment = {"SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": bucket.url} | {
            f"SNAKEMAKE_STORAGE_S3_{key}": value for key, value in LOGIN.items()
        }

    def command(self, *arguments, **options):
        storage = ["--default-storage-provider", "s3"]
        storage += ["--default-storage-prefix", f"s3://{NAME}/{PREFIX}"]
        return super().command(*storage, *arguments, **options)
