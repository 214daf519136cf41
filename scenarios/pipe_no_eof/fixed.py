"""The parent closes its copy of the writing end, and reads until the end of the pipe."""

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
    writer.close()
    while True:
        try:
            print(reader.recv())
        except EOFError:
            break
    teller.join()
