"""A TCP proxy on 127.0.0.1 between towpath and a server, which spoils what passes through it.

    with Proxy(sandbox.url) as proxy:
        proxy.spoil(Fault("reset", "down", "body", 0.5, skip=1))
        tow.run("run", "job.cfg")         # its job is told proxy.url in place of sandbox.url
        proxy.mend()

It knows HTTP/1.1, so that a fault can be aimed at a part of an exchange; `frames` (HTTP/2) and `raw`
(TLS) see connections as two streams of frames or bytes. It runs in a thread of its own."""

import asyncio
import itertools
import random
import re
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

PIECE = 16384
HEAD_MAX = 1 << 20
FRAME_HEAD = 9
# Types of HTTP/2 frames.
DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 4, 6, 8, 9


@dataclass
class Fault:
    """What goes wrong, and where.

    do      refuse (nobody listens), mute (accepted and left alone), cut (FIN), reset (RST), swallow (nothing
            passes any more, the connection stays), drip (a byte every `ms`), rate (`rate` bytes a second),
            delay (`ms` and up to as much by chance, before each piece), longer and shorter (the length that is
            announced is `bytes` off), truncate (shorter, and so is the body), garbage (`bytes` of it), twice (the
            answer again behind itself), close (FIN behind the answer, on a connection that says it is kept),
            endless (`what` without an end), damage (`what` of a frame; raw: a byte)
    way     "up": what the client sends; "down": what it gets
    part    "connect", "head", "body", "end" (behind an answer); "bytes" of a connection (raw, frames)
    at      bytes into the part, or a share of it (0.5)
    skip    exchanges, or connections, that are left alone; times: how many are hit (0: all)
    path    only exchanges whose request line holds this (a regular expression)
    """

    do: str
    way: str = "down"
    part: str = "body"
    at: float = 0
    skip: int = 0
    times: int = 1
    path: str = ""
    ms: float = 20
    rate: int = 4096
    bytes: int = 7
    what: str = ""

    def offset(self, length):
        if isinstance(self.at, float):
            return int(self.at * length) if length else 1000
        return self.at


class _Gone(Exception):
    """This connection is over."""


class _Taken(Exception):
    """A fault takes the whole connection."""

    def __init__(self, fault):
        super().__init__(fault)
        self.fault = fault


ENDS = (_Gone, _Taken, ConnectionError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class _Exchange:
    def __init__(self, head, fault):
        self.line = head.split(b"\r\n", 1)[0].decode("latin-1")
        self.method = self.line.split(" ", 1)[0]
        self.fault = fault


def _fields(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name:
            yield name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")


def _length(head):
    """The announced length; None: chunks; -1: neither."""
    fields = dict(_fields(head))
    if "chunked" in fields.get("transfer-encoding", ""):
        return None
    return int(fields.get("content-length", -1))


def _with_length(head, length):
    return re.sub(rb"(?i)(\r\ncontent-length:)[^\r]*", rb"\1 %d" % length, head, count=1)


class _Side:
    """One end of a connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def write(self, data):
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, OSError) as error:
            raise _Gone from error

    def reset(self):
        handle = self.writer.get_extra_info("socket")
        if handle and handle.fileno() >= 0:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def finish(self):
        """A FIN, and what still comes is read, lest the system makes it a reset."""
        try:
            if self.writer.can_write_eof():
                self.writer.write_eof()
            async with asyncio.timeout(3):
                while await self.reader.read(65536):
                    pass
        except (ConnectionError, OSError, TimeoutError):
            pass
        self.writer.transport.abort()


class _Line:
    """A connection of the client, and the one to the server behind it."""

    def __init__(self, proxy, near):
        self.proxy = proxy
        self.near = near
        self.far = None
        self.waiting = deque()  # exchanges whose answers have not begun
        self.asked = asyncio.Event()
        self.fault = None  # of raw connections

    def side(self, way):
        return self.far if way == "up" else self.near

    # -- acting ------------------------------------------------------------------------------------

    async def act(self, fault, way):
        """The fault takes the connection, or adds to what passes."""
        self.proxy.note(fault)
        if fault.do == "garbage":
            await self.side(way).write(self.proxy.rng.randbytes(fault.bytes))
        elif fault.do == "endless":
            await self.flood(ENDLESS[fault.what](self.proxy.rng))
        else:
            raise _Taken(fault)

    async def end(self, fault):
        """After all else on this connection has stopped."""
        if fault.do == "reset":
            self.near.reset()
        elif fault.do in ("cut", "close"):
            if self.far:
                self.far.writer.transport.abort()
            await self.near.finish()
        else:
            await self.proxy.mended.wait()

    async def flood(self, pieces):
        for piece in pieces:
            self.proxy.sent += len(piece)
            await self.near.write(piece)
            if self.proxy.mended.is_set():
                raise _Gone

    async def pass_on(self, data, way, fault):
        """Bytes that a fault slows down."""
        side = self.side(way)
        if fault and fault.do == "drip":
            self.proxy.note(fault)
            for i in range(len(data)):
                await side.write(data[i : i + 1])
                await self.sleep(fault.ms / 1000)
        elif fault and fault.do == "rate":
            self.proxy.note(fault)
            step = max(1, fault.rate // 20)
            for i in range(0, len(data), step):
                await side.write(data[i : i + step])
                await self.sleep(step / fault.rate)
        else:
            if fault and fault.do == "delay":
                self.proxy.note(fault)
                await self.sleep(fault.ms * (1 + self.proxy.rng.random()) / 1000)
            await side.write(data)

    async def sleep(self, seconds):
        try:
            await asyncio.wait_for(self.proxy.mended.wait(), seconds)
        except TimeoutError:
            pass

    async def part(self, pieces, way, part, fault, length):
        """Passes a part of an exchange on, and acts where its fault is due."""
        if not fault or (fault.way, fault.part) != (way, part):
            async for piece in pieces:
                await self.pass_on(piece, way, None)
            return
        due, at, has_acted = fault.offset(length), 0, False
        async for piece in pieces:
            rest = piece
            if not has_acted and at + len(piece) > due:
                await self.pass_on(piece[: due - at], way, None)
                await self.act_in_part(fault, way)
                rest, has_acted = piece[due - at :], True
            at += len(piece)
            await self.pass_on(rest, way, fault if has_acted else None)
        if not has_acted:
            await self.act_in_part(fault, way)

    async def act_in_part(self, fault, way):
        if fault.do in ("cut", "reset", "swallow", "garbage", "endless"):
            await self.act(fault, way)

    # -- HTTP --------------------------------------------------------------------------------------

    async def body(self, reader, length, cut_to=None):
        """The bytes of a body as they come, with the lines that frame its chunks."""
        if length is None:
            async for piece in self.chunks(reader):
                yield piece
            return
        left = length if length >= 0 else 1 << 62
        kept = left if cut_to is None else cut_to
        while left > 0:
            piece = await reader.read(min(left, PIECE))
            if not piece:
                if length >= 0:
                    raise _Gone
                return
            left -= len(piece)
            if kept > 0:
                yield piece[:kept]
            kept -= len(piece)

    async def chunks(self, reader, change=0):
        size = -1
        while size != 0:
            line = await reader.readuntil(b"\n")
            size = int(line.split(b";")[0], 16)
            yield line
            if size:
                yield await reader.readexactly(size + 2)
        line = b""
        while line != b"\r\n":
            line = await reader.readuntil(b"\n")
            yield line

    def reframed(self, head, fault, way):
        """The head with another length, and where the body is to end."""
        length = _length(head)
        if not fault or fault.way != way or fault.do not in ("longer", "shorter", "truncate") or not length or length < 0:
            return head, None
        self.proxy.note(fault)
        new = length + fault.bytes if fault.do == "longer" else max(0, length - fault.bytes)
        if fault.do == "truncate" and isinstance(fault.at, float):
            new = int(length * fault.at)
        return _with_length(head, new), new if fault.do == "truncate" else None

    async def spoil_chunks(self, pieces, fault, way):
        """Chunks whose sizes are wrong, from the second piece on."""
        off = {"longer": 1, "shorter": -1}.get(fault.do if fault and fault.way == way else "", 0)
        async for piece in pieces:
            if off and re.fullmatch(rb"[0-9A-Fa-f]+\r\n", piece) and int(piece, 16) > 0:
                self.proxy.note(fault)
                piece = b"%x\r\n" % max(1, int(piece, 16) + off * fault.bytes)
                off = 0
            yield piece

    async def send(self, head, way, exchange, has_body):
        fault = exchange.fault
        length = _length(head) if has_body else 0
        reader = self.near.reader if way == "up" else self.far.reader
        new_head, cut_to = self.reframed(head, fault, way) if has_body else (head, None)

        async def whole():
            yield new_head

        await self.part(whole(), way, "head", fault, len(new_head))
        if length is None:
            await self.part(self.spoil_chunks(self.chunks(reader), fault, way), way, "body", fault, 2000)
        elif length or (length < 0 and way == "down"):
            await self.part(self.body(reader, length, cut_to), way, "body", fault, length)

    async def requests(self):
        while True:
            head = await self.near.reader.readuntil(b"\r\n\r\n")
            exchange = _Exchange(head, None)
            exchange.fault = self.proxy.pick(exchange.line)
            fault = exchange.fault
            if fault and fault.part == "connect":
                await self.act(fault, "up")
            self.waiting.append(exchange)
            self.asked.set()
            await self.send(head, "up", exchange, _length(head) != -1)

    async def answers(self):
        while True:
            head = await self.far.reader.readuntil(b"\r\n\r\n")
            await self.asked.wait()
            exchange = self.waiting[0]
            status = int(head.split(b" ", 2)[1])
            if status < 200:
                await self.near.write(head)
                continue
            self.waiting.popleft()
            if not self.waiting:
                self.asked.clear()
            fault = exchange.fault
            has_body = exchange.method != "HEAD" and status not in (204, 304)
            keeps = self.kept() if fault and fault.do == "twice" else None
            await self.send(head, "down", exchange, has_body)
            if keeps is not None:
                self.proxy.note(fault)
                del self.near.write
                await self.near.write(bytes(keeps) * 2)
            if fault and fault.part == "end" and fault.do in ("close", "cut", "reset", "garbage"):
                await self.act(fault, "down")

    def kept(self):
        """All that should go to the client from here on: both answers go at once, so that the second is there before
        the next request is."""
        keeps = bytearray()

        async def keep(data):
            keeps.extend(data)

        self.near.write = keep
        return keeps

    # -- bytes and frames --------------------------------------------------------------------------

    async def stream(self, way):
        reader = self.near.reader if way == "up" else self.far.reader

        async def pieces():
            while piece := await reader.read(PIECE):
                yield piece

        await self.part(self.damaged(pieces(), way), way, "bytes", self.fault, 0)
        raise _Gone

    async def damaged(self, pieces, way):
        fault, at = self.fault, 0
        async for piece in pieces:
            if fault and fault.do == "damage" and fault.way == way and at <= fault.at < at + len(piece):
                self.proxy.note(fault)
                i = int(fault.at - at)
                piece = piece[:i] + bytes([piece[i] ^ 0x55]) + piece[i + 1 :]
            at += len(piece)
            yield piece

    async def frames(self, way):
        """Frames of HTTP/2; `at` counts them."""
        reader, fault = (self.near.reader if way == "up" else self.far.reader), self.fault
        if way == "up":
            await self.far.write(await reader.readexactly(24))
        for number in itertools.count():
            head = await reader.readexactly(FRAME_HEAD)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            if fault and fault.way == way and fault.do == "damage" and number == fault.at:
                self.proxy.note(fault)
                head, payload = DAMAGE[fault.what](head, payload)
            if fault and fault.way == way and fault.do == "endless" and number == fault.at:
                self.proxy.note(fault)
                await self.flood(FLOODS[fault.what]())
            await self.side(way).write(head + payload)

    # -- life --------------------------------------------------------------------------------------

    async def pass_all(self):
        kind, proxy = self.proxy.kind, self.proxy
        if kind != "http" or (proxy.fault and proxy.fault.do == "mute"):
            self.fault = proxy.pick("")
        if self.fault and (self.fault.part == "connect" or self.fault.do == "mute"):
            await self.act(self.fault, "up")
        self.far = _Side(*await asyncio.open_connection(proxy.host, proxy.port, limit=HEAD_MAX))
        ways = {
            "http": lambda: (self.requests(), self.answers()),
            "raw": lambda: (self.stream("up"), self.stream("down")),
            "frames": lambda: (self.frames("up"), self.frames("down")),
        }[kind]()
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        taken = [result for result in results if isinstance(result, _Taken)]
        wrong = [result for result in results if result and not isinstance(result, (*ENDS, asyncio.CancelledError))]
        raise next(iter(wrong + taken + [_Gone()]))

    async def run(self):
        try:
            await self.pass_all()
        except _Taken as taken:
            await self.end(taken.fault)
        except ENDS:
            self.near.writer.close()
        finally:
            for side in filter(None, (self.near, self.far)):
                side.writer.transport.abort() if side is self.far else side.writer.close()


class Proxy:
    """One place to connect to; `kind` is "http", "raw" or "frames"."""

    def __init__(self, url, kind="http", seed=0):
        parts = urlsplit(url)
        self.scheme, self.host, self.port, self.rest = parts.scheme, parts.hostname, parts.port, parts.path
        self.kind = kind
        self.rng = random.Random(seed)
        self.fault = None
        self.acted = threading.Event()
        self.hits = 0  # times that the fault acted
        self.seen = 0  # exchanges or connections since it was set
        self.lines = []  # request lines since then
        self.sent = 0  # bytes of endless answers
        self._hit = None
        self._tasks = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.mended = self._call(self._event())
        self._server, self._address = None, ("127.0.0.1", 0)
        self._call(self._listen())

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self._address[1]}{self.rest}"

    def spoil(self, fault):
        """From now on, this goes wrong."""
        self._call(self._spoil(fault))

    def mend(self):
        """Nothing goes wrong any more; what was held up is over."""
        self._call(self._spoil(None))

    def close(self):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- in the thread of the loop -----------------------------------------------------------------

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    @staticmethod
    async def _event():
        return asyncio.Event()

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, *self._address, limit=HEAD_MAX, backlog=256)
        self._address = self._server.sockets[0].getsockname()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await _Line(self, _Side(reader, writer)).run()
        finally:
            self._tasks.discard(task)

    async def _end_lines(self):
        self.mended.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _spoil(self, fault):
        await self._end_lines()
        self.mended = asyncio.Event()
        self.fault, self.hits, self.seen, self.lines, self.sent, self._hit = fault, 0, 0, [], 0, None
        self.acted.clear()
        if fault and fault.do == "refuse":
            self.note(fault)
            self._server.close()
        elif not self._server.is_serving():
            await self._listen()

    async def _close(self):
        self._server.close()
        await self._end_lines()

    def pick(self, line):
        """The fault of the exchange, or the connection, that begins."""
        self.lines.append(line)
        fault = self.fault
        if not fault or not re.search(fault.path, line):
            return None
        number = self.seen - fault.skip
        self.seen += 1
        return fault if number >= 0 and (not fault.times or number < fault.times) else None

    def note(self, fault):
        if fault is not self._hit or fault.do not in ("drip", "rate", "delay"):
            self.hits += 1
        self._hit = fault
        self.acted.set()


# ---- what does not end ----------------------------------------------------------------------------


def _again(first, piece):
    yield first
    yield from itertools.repeat(piece)


def _fresh_headers():
    yield b"HTTP/1.1 200 OK\r\n"
    for i in itertools.count():
        yield b"".join(b"X-%d: %s\r\n" % (i * 100 + k, b"y" * 100) for k in range(100))


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"2000\r\n" + b" " * 8192 + b"\r\n"

ENDLESS = {
    "header lines": lambda rng: _fresh_headers(),
    "header line": lambda rng: _again(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 8192),
    "status line": lambda rng: _again(b"HTTP/1.1 200 ", b"y" * 8192),
    "no HTTP": lambda rng: _again(b"", b"\x00" * 8192),
    "interim answers": lambda rng: _again(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 200),
    "body": lambda rng: _again(OK, CHUNK),
    "error's body": lambda rng: _again(OK.replace(b"200 OK", b"503 Busy"), CHUNK),
    "chunk extension": lambda rng: _again(OK + b"5;x=", b"y" * 8192),
    "trailers": lambda rng: _again(OK + b"2\r\n{}\r\n0\r\n", b"X-Trailer: y\r\n" * 500),
    "chunk size": lambda rng: _again(OK, b"0" * 8192),
}


def _frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


# What a server may send without an end; the client's first call is stream 1.
FLOODS = {
    "PING": lambda: itertools.repeat(_frame(PING, payload=b"01234567") * 200),
    "SETTINGS": lambda: itertools.repeat(_frame(SETTINGS) * 200),
    "empty DATA": lambda: itertools.repeat(_frame(DATA, 0, 1) * 200),
    "padding": lambda: itertools.repeat(_frame(DATA, 8, 1, b"\xff" + b"\0" * 255) * 20),
    "CONTINUATION": lambda: _again(_frame(HEADERS, 0, 1, b"\x88"), _frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y" * 500)),
    "empty CONTINUATION": lambda: _again(_frame(HEADERS, 0, 1, b"\x88"), _frame(CONTINUATION, 0, 1) * 200),
    "WINDOW_UPDATE": lambda: itertools.repeat(_frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 200),
    "unknown frames": lambda: itertools.repeat(_frame(0xFA, 0, 0, b"z" * 1000) * 20),
    "DATA": lambda: itertools.repeat(_frame(DATA, 0, 1, b"\0\0\0\0\0" * 200) * 20),
    "windows of nothing": lambda: _again(b"", _frame(SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00") * 50),
}

DAMAGE = {
    "length": lambda head, payload: (bytes([head[0] | 0x7F, *head[1:]]), payload),
    "length, by one": lambda head, payload: (head[:2] + bytes([(head[2] + 1) & 0xFF]) + head[3:], payload),
    "type": lambda head, payload: (head[:3] + bytes([head[3] ^ 1]) + head[4:], payload),
    "flags": lambda head, payload: (head[:4] + bytes([head[4] ^ 0x2D]) + head[5:], payload),
    "stream": lambda head, payload: (head[:8] + bytes([(head[8] + 2) & 0xFF]), payload),
    "first byte": lambda head, payload: (head, bytes([payload[0] ^ 0x81]) + payload[1:] if payload else payload),
    "message length": lambda head, payload: (head, payload[:1] + b"\xff" + payload[2:] if len(payload) > 2 else payload),
    "dropped": lambda head, payload: (b"", b""),
}
