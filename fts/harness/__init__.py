"""What the functional tests need: rsp as a process, and scripted peers on both of its sides."""
