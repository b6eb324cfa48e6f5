"""Pages in place of rsp's own error answers."""

from harness.messages import request
from harness.ports import free_port, refusing_port


def start(rsp, server, pages):
    port = free_port()
    text = (
        f'workers(1)\nlisten "127.0.0.1:{port}"\n'
        f'site "*" {{ ["/"] = {{ proxy "127.0.0.1:{server}", max_body = 4, '
        f"error_pages = {pages} }} }}\n"
    )
    return rsp(text=text, port=port)


def test_a_page_stands_in_for_an_error_and_the_connection_stays(rsp):
    with refusing_port() as server:
        proxy = start(rsp, server, '{ ["5xx"] = respond(503, "Back soon.\\n") }')
        with proxy.client() as client:
            for _ in range(2):
                answer = client.exchange(request())
                assert (answer.status, answer.body) == (503, b"Back soon.\n")


def test_an_error_without_a_page_is_told_as_ever(rsp):
    with refusing_port() as server:
        proxy = start(rsp, server, '{ [404] = respond(404, "Not here.\\n") }')
        assert b"502 Bad Gateway" in proxy.exchange(request()).body


def test_head_gets_the_head_of_the_page(rsp):
    with refusing_port() as server:
        proxy = start(rsp, server, '{ [502] = respond(502, "Sorry.\\n") }')
        answer = proxy.exchange(request("HEAD"), "HEAD")
        assert (answer.status, answer.length) == (502, 7)


def test_a_body_that_is_too_large_has_its_page_and_ends_the_connection(rsp):
    with refusing_port() as server:
        proxy = start(rsp, server, '{ [413] = respond(413, "Too big.\\n") }')
        answer = proxy.exchange(request("POST", "/", body=b"12345"))
        assert (answer.status, answer.body) == (413, b"Too big.\n")
        assert b"close" in answer.connection_options
