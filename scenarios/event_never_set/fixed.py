"""The parent waits for the server in steps, and looks whether it is still there."""

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
    while not ready.wait(0.1) and server.is_alive():
        pass
    server.join()
