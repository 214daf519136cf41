"""A server that cannot read its settings ends before it says that it is ready; the parent waits for that."""

# hangs: yes

from multiprocessing import Event, Process

from stage import use_start_method


def serve(settings, ready):
    if "port" not in settings:
        print("no port in the settings", flush=True)
        return
    ready.set()
    print("serving on", settings["port"])


if __name__ == "__main__":
    use_start_method()
    ready = Event()
    server = Process(target=serve, args=({"host": "localhost"}, ready), name="server")
    server.start()
    ready.wait()  # expect: event-never-set waiter
    server.join()
