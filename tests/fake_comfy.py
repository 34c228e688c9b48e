"""A scripted ComfyUI for tests: the shapes and the traps of its HTTP API, without a model."""

import base64
import hashlib
import io
import json
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library


def png(seed, texts=None, size=(16, 16), colour=None):
    """A picture whose pixels depend on `seed`, or one of a single colour."""
    image = Image.new("RGB", size, colour or (seed % 256, 10, 20))
    if colour is None:
        image.putpixel((3, 4), (255, 255, 255))
    info = PngInfo()
    for key, value in (texts or {}).items():
        info.add_text(key, json.dumps(value))
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()


class FakeComfy:
    """Answers at once unless told otherwise by its attributes."""

    def __init__(self):
        self.url = ""  # of one that serves
        self.requests = []  # (method, path, JSON body or query)
        self.pending = []
        self.running = []
        self.history = {}
        self.files = {}
        self.cache = {}
        self.faults = []  # (method, path, status or "drop" or "drop after"): each for one request
        self.lose = 0  # prompts to forget, as a restart does
        self.hold = None  # "pending" or "running": prompts stay there
        self.rejection = None  # (status, reply) of /prompt
        self.failure = None  # messages of a failed prompt
        self.vanish = 0  # how many prompts lose their files
        self.extra = 0  # more pictures than asked for
        self.metadata = True
        self.node_info = {}
        self.library = None  # with one, the stock nodes are known, and its files
        self.folders = {}  # where models lie, as the server says
        self.log = []  # (time, text)
        self.unknown_keys = []  # of the LoRA; each prompt that is not cached logs them
        self.events = []  # what a websocket hears
        self.headers = {}  # of every answer
        self.login = None  # the Authorization, or the query's token, without which it answers 401
        self.draw = png

    # what tests ask

    def bodies(self, path):
        return [body for method, p, body in self.requests if method == "POST" and p == path]

    @property
    def prompts(self):
        return [body["prompt"] for body in self.bodies("/prompt")]

    def has_models(self, folder, loras=None):
        """Know the stock nodes, and list the files below `folder` (`loras`: those elsewhere)."""
        for name in ("checkpoints", "vae", "loras"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        loras = loras or folder / "loras"
        self.library = Library(folder, loras, folder / "output", folder / "temp")
        self.folders = {"loras": [str(loras)]}

    def has_all(self, folder, lora):
        """List the bundled checkpoint and `lora` below `folder`."""
        self.has_models(folder)
        (folder / "loras" / lora).touch()
        (folder / "checkpoints/drawnworld").mkdir()
        (folder / "checkpoints/drawnworld/model_index.json").write_text("{}")

    # the server

    def say(self, *lines):
        for line in lines:
            time = datetime(2026, 1, 1) + timedelta(microseconds=len(self.log))
            self.log.append((time.isoformat(timespec="microseconds"), line))

    def submit(self, body):
        prompt_id = body["prompt_id"]
        if self.rejection:
            return self.rejection
        answer = 200, {"prompt_id": prompt_id, "number": 1, "node_errors": {}}
        if self.lose:
            self.lose -= 1
        elif self.hold:
            getattr(self, self.hold).append(prompt_id)
        else:
            self.history[prompt_id] = self.run(body)
        return answer

    def run(self, body):
        if self.failure:
            status = {"status_str": "error", "completed": False, "messages": self.failure}
            return {"outputs": {}, "status": status}
        graph = body["prompt"]
        key = json.dumps(graph, sort_keys=True)
        if key not in self.cache:
            self.say(*(f"lora key not loaded: {name}\n" for name in self.unknown_keys))
            self.cache[key] = self.save(graph, body["extra_data"]["extra_pnginfo"])
        if self.vanish:
            self.vanish -= 1
            self.files.clear()
        status = {"status_str": "success", "completed": True, "messages": []}
        return {"outputs": self.cache[key], "status": status}

    def save(self, graph, extra):
        (save,) = (n for n, b in graph.items() if b["class_type"] == "SaveImage")
        (seed,) = (
            b["inputs"].get("seed", b["inputs"].get("noise_seed"))
            for b in graph.values()
            if {"seed", "noise_seed"} & b["inputs"].keys()
            and b["inputs"].get("add_noise") != "disable"
        )
        (batch,) = (
            b["inputs"]["batch_size"] for b in graph.values() if "batch_size" in b["inputs"]
        )
        folder, _, stem = graph[save]["inputs"]["filename_prefix"].rpartition("/")
        images = []
        for index in range(batch + self.extra):
            name = f"{stem}_{len(self.files) + 1:05d}_.png"
            texts = {"prompt": graph, **extra} if self.metadata else {}
            self.files[folder, name] = self.draw(seed + index, texts)
            images.append({"filename": name, "subfolder": folder, "type": "output"})
        return {save: {"images": images}}

    def answer(self, method, path, body):
        """Status and JSON, or bytes."""
        if (method, path) == ("POST", "/prompt"):
            return self.submit(body)
        if path.startswith("/history/"):
            prompt_id = path.removeprefix("/history/")
            entry = self.history.get(prompt_id)
            return 200, {prompt_id: entry} if entry else {}
        if (method, path) == ("GET", "/queue"):
            queue = {"running": self.running, "pending": self.pending}
            return 200, {
                f"queue_{name}": [[0, prompt_id, {}, {}, []] for prompt_id in ids]
                for name, ids in queue.items()
            }
        if (method, path) == ("POST", "/queue"):
            self.pending = [i for i in self.pending if i not in body["delete"]]
            return 200, {}
        if (method, path) == ("POST", "/interrupt"):
            self.running = [i for i in self.running if i != body["prompt_id"]]
            return 200, {}
        if path == "/view":
            data = self.files.get((body["subfolder"], body["filename"]))
            return (200, data) if data else (404, {})
        if path.startswith("/object_info/"):
            name = path.removeprefix("/object_info/")
            known = self.nodes()
            return 200, {name: known[name]} if name in known else {}
        if path == "/object_info":
            return 200, self.nodes()
        if path == "/system_stats":
            return 200, {"system": {"comfyui_version": "fake"}, "devices": []}
        if path == "/internal/logs/raw":
            return 200, {"entries": [{"t": time, "m": text} for time, text in self.log[-300:]]}
        if path == "/internal/folder_paths":
            return 200, self.folders
        if path == "/free":
            self.cache.clear()
            return 200, {}
        return 404, {}

    def nodes(self):
        stock = catalog.nodes(self.library) if self.library else {}
        return {name: node.info(name) for name, node in stock.items()} | self.node_info

    def fault(self, method, path):
        for fault in self.faults:
            if fault[:2] == (method, path):
                self.faults.remove(fault)
                return fault[2]
        return None


@contextmanager
def serving(fake=None, tls=None):
    """Yield a running fake and set its `url`; `tls` is the SSL context of one that has https."""
    fake = fake or FakeComfy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            self.handle_request("GET")

        def do_POST(self):
            self.handle_request("POST")

        def handle_request(self, method):
            url = urlsplit(self.path)
            body = {key: values[0] for key, values in parse_qs(url.query).items()}
            body.setdefault("subfolder", "")
            if method == "POST":
                body = {"token": body.get("token")} if "token" in body else {}
                body |= json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append((method, url.path, body))
            if fake.login not in (None, self.headers.get("Authorization"), body.get("token")):
                return self.send(401, b"")
            if url.path == "/ws":
                return self.tell()
            fault = fake.fault(method, url.path)
            if fault == "drop":
                self.close_connection = True
                return
            if isinstance(fault, int):
                status, content = fault, {"fault": True}
            else:
                status, content = fake.answer(method, url.path, body)
            if fault == "drop after":
                self.close_connection = True
                return
            self.send(
                status, content if isinstance(content, bytes) else json.dumps(content).encode()
            )

        def send(self, status, data):
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def tell(self):
            """Send `events`, then drop the connection, as a restart does."""
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
            self.send_header("Sec-WebSocket-Accept", accept)
            self.end_headers()
            for event in fake.events:
                text = event if isinstance(event, bytes) else json.dumps(event).encode()
                kind = 0x82 if isinstance(event, bytes) else 0x81
                self.wfile.write(bytes([kind, 126]) + len(text).to_bytes(2, "big") + text)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    fake.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
