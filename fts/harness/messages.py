"""Small helpers to write and to take apart HTTP/1 messages, byte-exact."""


def split_field(line):
    name, _, value = line.partition(b":")
    return name, value.strip(b" \t")


class Head:
    """A message head as it came: `raw`, the first line, and the fields in order."""

    def __init__(self, raw):
        self.raw = raw
        first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
        self.first_line = first
        self.fields = [split_field(line) for line in lines]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The value of a field that comes at most once; None without it."""
        values = self.all(name)
        assert len(values) < 2, f"{name!r} is repeated in {self.raw!r}"
        return values[0] if values else None

    def __contains__(self, name):
        return bool(self.all(name))

    @property
    def names(self):
        return [name for name, _ in self.fields]

    @property
    def connection_options(self):
        joined = b",".join(self.all(b"Connection")).lower()
        return {option.strip() for option in joined.split(b",") if option.strip()}

    @property
    def is_chunked(self):
        return (self.get(b"Transfer-Encoding") or b"").lower() == b"chunked"

    @property
    def length(self):
        value = self.get(b"Content-Length")
        return None if value is None else int(value)


class Request(Head):
    def __init__(self, raw, body=b"", trailers=()):
        super().__init__(raw)
        self.method, self.target, self.version = self.first_line.split(b" ")
        self.body, self.trailers = body, list(trailers)


class Response(Head):
    def __init__(self, raw, body=b"", trailers=(), raw_body=b""):
        super().__init__(raw)
        self.version, status, self.reason = (self.first_line + b" ").split(b" ", 2)
        self.reason = self.reason.removesuffix(b" ")
        self.status = int(status)
        self.body, self.trailers, self.raw_body = body, list(trailers), raw_body


def request(method="GET", target="/", *lines, body=b"", host="example.com"):
    """A request with Host, then `lines` as they are, and Content-Length when there is a body."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def response(body=b"", *lines, status="200 OK"):
    """A response with `lines` as they are and Content-Length."""
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def chunked(*pieces, trailers=b""):
    """A chunked body of these pieces, with the last chunk."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"
