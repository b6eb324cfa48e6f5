-- The shortest configuration: one port, one server. The same as `rsp 8000 127.0.0.1 8888`.
listenPort = "8000"
backendAddress = "127.0.0.1"
backendPort = "8888"
