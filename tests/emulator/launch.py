"""Starts and ends the AWS emulator, on the loopback interface only and with a folder of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from child import end_with_parent, free_port

REGION = "us-east-1"
# What the emulator takes whoever signs with these credentials for.
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PATIENCE = 60  # seconds until it must be up


class Emulator:
    """A running emulator. Use it as a context: it ends with it, and with this process however that ends."""

    def __init__(self, log=None):
        # Where the functions find AWS; here, unless somebody stands between.
        self.seen_at = None
        self.folder = tempfile.TemporaryDirectory(prefix="lambdesk-emulator-")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = Path(log) if log else Path(self.folder.name) / "log"
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("serve.py"))],
                cwd=self.folder.name,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, to be ended with the functions' processes.
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        try:
            self.await_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def environment(self):
        """All that the server sees. It hands its environment on to the functions, so nothing of ours may be in it."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": self.folder.name,
            "TMPDIR": self.folder.name,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "STATE_DIR": str(Path(self.folder.name) / "state"),
            "S3_DATA_DIR": str(Path(self.folder.name) / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            # What Lambda tells a function by its LoggingConfig, and the emulator does not.
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            # Holds every function to the policies of its role.
            "AUTH": "true",
            "AWS_ENDPOINT_URL": self.seen_at or self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            **CREDENTIALS,
        }

    def await_ready(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"the emulator did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def close(self):
        """Ends the server and every function that it runs."""
        if self.process:
            for signal_number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
                try:
                    os.killpg(self.process.pid, signal_number)
                except ProcessLookupError:
                    break
                try:
                    self.process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            self.process.wait()
            self.process = None
        self.folder.cleanup()
