"""A server puts one end of a Pipe on a queue and ends; the client can no longer get it from there.

After pytorch/pytorch#65418 and #60654, where tensors were read after their sender had gone.
"""

from multiprocessing import Pipe, Process, Queue

from stage import use_start_method


def serve(replies):
    mine, yours = Pipe()
    replies.put(yours)
    mine.send("hello")


if __name__ == "__main__":
    use_start_method()
    replies = Queue()
    server = Process(target=serve, args=(replies,), name="server")
    server.start()
    server.join()
    print(replies.get().recv())  # expect: unpickle-failed names=server
