"""Two workers read from one end of a pipe that the fork left in both, and take turns by two semaphores."""

from multiprocessing import Pipe, Process, Semaphore

from stage import use_start_method


def read(inbox, mine, theirs):
    for _ in range(5):
        mine.acquire()
        inbox.recv()
        theirs.release()


if __name__ == "__main__":
    use_start_method()
    inbox, outbox = Pipe(duplex=False)
    first, second = Semaphore(1), Semaphore(0)
    readers = [Process(target=read, args=(inbox, *turns)) for turns in ((first, second), (second, first))]
    for reader in readers:
        reader.start()
    for number in range(10):
        outbox.send(number)
    for reader in readers:
        reader.join()
    print("all read")
