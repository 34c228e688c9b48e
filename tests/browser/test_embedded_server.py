"""Pages of elsewhere in a real browser, which try to drive the embedded server."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lorabench.comfy.embedded.execution import Job
from tests.embedded import serving
from tests.fake_comfy import png

# A sandboxed frame sends `Origin: null`; a form of text/plain is JSON where its name and its value
# are the two halves of it. None of these asks the server first.
PAGE = """<!DOCTYPE html><meta name="referrer" content="no-referrer"><body><script>
const url = "http://127.0.0.1:{port}";
const form = `<form method=post enctype=text/plain action="${url}/queue">
  <input name='{"clear": true, "x": "' value='"}'></form>`;
const frame = document.createElement("iframe");
frame.sandbox = "allow-forms allow-scripts";
frame.srcdoc = form + "<script>document.forms[0].submit()</scr" + "ipt>";
document.body.append(frame);
const got = [];
const said = (name) => (what) => got.push([name, String(what)]);
const opened = (name, path) => new Promise((done) => {
  const socket = new WebSocket(`ws://127.0.0.1:{port}${path}`);
  socket.onmessage = (event) => { said(name)(event.data); done(); };
  socket.onerror = () => done();
});
const shown = (name, path) => new Promise((done) => {
  const image = new Image();
  image.onload = () => { said(name)("shown"); done(); };
  image.onerror = done;
  image.src = url + path;
});
const sent = (name, options) => fetch(url + "/queue", options)
  .then((answer) => answer.text().then((text) => text && said(name)(text))).catch(() => {});
Promise.all([
  new Promise((done) => { frame.onload = () => setTimeout(done, 500); }),
  sent("text", { method: "POST", mode: "no-cors", body: '{"clear": true}' }),
  sent("blob", { method: "POST", mode: "no-cors", body: new Blob(['{"clear": true}']) }),
  sent("read", {}), opened("socket", "/ws"), shown("picture", "/view?filename=a.png"),
]).then(() => { window.tried = got; });
</script>"""


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def elsewhere(server):
    """The URL of a page that another program on this machine serves."""
    page = PAGE.replace("{port}", str(server.port)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    other = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    yield f"http://localhost:{other.server_port}"
    other.shutdown()
    other.server_close()


def test_no_page_of_elsewhere_drives_the_server_or_reads_it(browser, server, elsewhere):
    graph = {"1": {"class_type": "SaveImage", "inputs": {}}}
    server.api.queue.put(Job(0, "waiting", graph, {}, ["1"]))
    folder = server.api.library.output_dir
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    window = browser.new_context()
    try:
        page = window.new_page()
        page.goto(elsewhere)
        page.wait_for_function("window.tried", timeout=20_000)
        assert page.evaluate("window.tried") == []
    finally:
        window.close()
    assert server.api.queue.remaining() == 1
