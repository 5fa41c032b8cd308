"""A Runtime API for one execution environment, with one invocation."""

import http.server
import json
import threading
import time

# Seconds until the invocation's deadline. Nothing here enforces it.
DEADLINE_S = 900


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Ignores errors: tests are ended while their connections are open."""


class RuntimeApi:
    """Listens on a port of the loopback interface during the `with` block."""

    def __init__(self):
        self.answered = threading.Event()  # set by a response; after an error the process exits
        self.response = None  # the handler's response: bytes
        self.errors = []  # the posted errors: type and message
        self._given = False
        self.closed = threading.Event()
        self._server = Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()

    def take_invocation(self):
        """True for the first call: there is one invocation."""
        given, self._given = self._given, True
        return not given

    def take_post(self, path, body):
        if path.endswith("/response"):
            self.response = body
            self.answered.set()
        else:
            try:
                error = json.loads(body)
                self.errors.append(f"{error['errorType']}: {error['errorMessage']}")
            except (ValueError, KeyError):
                self.errors.append(repr(body))


def _handler(api):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if not api.take_invocation():
                # Lambda responds when there is an invocation.
                api.closed.wait(DEADLINE_S)
                return
            deadline = int((time.time() + DEADLINE_S) * 1000)
            self._answer(200, b"{}", {
                "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000001",
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:test",
            })

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            api.take_post(self.path, self.rfile.read(length))
            self._answer(202, b"", {})

        def _answer(self, status, body, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
