"""A worker dies of a bad record; nobody looks at how it ended, and the program says that all is well."""

from multiprocessing import Process

from stage import use_start_method


def load(records):
    for record in records:
        number = int(record)  # expect: uncaught-exception
        print(number + 1)


if __name__ == "__main__":
    use_start_method()
    loader = Process(target=load, args=(["1", "2", "x3", "4"],), name="loader")
    loader.start()
    loader.join()
    print("all records loaded")
