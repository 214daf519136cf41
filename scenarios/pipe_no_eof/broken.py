"""The parent reads until the end of the pipe, which does not come: the parent itself has the writing end open."""

# hangs: yes

from multiprocessing import Pipe, Process

from stage import use_start_method


def tell(writer, lines):
    for line in lines:
        writer.send(line)
    writer.close()


if __name__ == "__main__":
    use_start_method()
    reader, writer = Pipe(duplex=False)
    teller = Process(target=tell, args=(writer, ["one", "two", "three"]), name="teller")
    teller.start()
    while True:
        try:
            print(reader.recv())  # expect: pipe-no-eof waiter
        except EOFError:
            break
    teller.join()
