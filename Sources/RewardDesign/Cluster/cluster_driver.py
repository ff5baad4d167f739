"""Hands the trainings of a generation to a Ray cluster, and what comes of them to the process that started this one.

It is told what to do by a file of JSON, whose path is the last argument, and answers on standard output with a line
of JSON an event. When standard input closes, its reader wants no more or is gone: the tasks are cancelled. It needs
Ray and nothing else; its functions travel to the nodes with the tasks.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
import zlib

# Events go where standard output went; whatever else writes there joins standard error.
EVENTS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
SPEAKING = threading.Lock()
STOPPING = threading.Event()

POLL = 0.5  # seconds between two looks at the cluster
ALIVE = 5.0  # seconds between two signs of life
STRANDED = 60.0  # seconds for which a cluster may be without a CPU
PATIENCE = 10.0  # seconds that the cancelling may take


def tell(event, **values):
    with SPEAKING:
        EVENTS.write(json.dumps({"event": event, **values}) + "\n")
        EVENTS.flush()


def fail(kind, message="", **values):
    """Says why nothing can go on, and ends the process, whatever Ray's threads are waiting for."""
    message = " ".join(str(message).split())
    tell("error", kind=kind, message=message if len(message) <= 600 else message[:600] + " ...", **values)
    os._exit(1)


def watch_reader():
    while os.read(0, 4096):
        pass
    STOPPING.set()
    time.sleep(PATIENCE)
    os._exit(3)


# --- On the nodes -----------------------------------------------------------------------------------------------------


class Reporter:
    """Where the trainings say how far they are."""

    def __init__(self):
        self.events = []

    def tell(self, *event):
        self.events.append(event)

    def take(self):
        events, self.events = self.events, []
        return events


def train(index, job, program, image, reporter):
    """Trains one candidate with Guerdon's own program on whatever node this is.

    Returns ("result", its last line), ("lacks", node) when the program has to be sent along, or ("unfit", node, why).
    Raises ChildProcessError when the program was ended by a signal: the memory ran out, for example.
    """
    import signal
    import subprocess
    import tempfile

    import ray

    node = ray.util.get_node_ip_address()

    def digest(path):
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    def is_program(path):
        try:
            return os.access(path, os.X_OK) and digest(path) == program["digest"]
        except OSError:
            return False

    path = program["path"]
    if not is_program(path):
        # A folder that nobody else may write: what lies in it will be run.
        folder = os.path.join(tempfile.gettempdir(), f"guerdon-{os.getuid()}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.stat(folder).st_uid != os.getuid() or os.stat(folder).st_mode & 0o022:
            return "unfit", node, f"{folder} can be written by others"
        path = os.path.join(folder, program["digest"])
        if not is_program(path):
            if image is None:
                return "lacks", node
            part = f"{path}.{os.getpid()}"
            with open(part, "wb") as file:
                file.write(zlib.decompress(image))
            os.chmod(part, 0o700)
            os.rename(part, path)

    environment = dict(os.environ)
    if os.path.isdir(program["dependencies"]):
        environment.setdefault("GUERDON_DEPS", program["dependencies"])
    result = None
    with tempfile.TemporaryDirectory(prefix="guerdon-") as folder, open(os.path.join(folder, "log"), "w+b") as log:
        try:
            # It ends when its standard input closes, and so with this process.
            child = subprocess.Popen(
                [path, "train-candidate", "--attended"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                cwd=folder, env=environment)
        except OSError as error:
            return "unfit", node, f"{path} cannot be started: {error.strerror}"
        try:
            child.stdin.write(job.encode() + b"\n")
            child.stdin.flush()
            for line in child.stdout:
                if line.startswith(b'{"checkpoint"'):
                    reporter.tell.remote(index, line.decode())
                else:
                    result = line.decode()
        except BrokenPipeError:
            pass  # Its status says more.
        except BaseException:
            child.kill()
            raise
        status = child.wait()
        try:
            child.stdin.close()
        except BrokenPipeError:
            pass
        log.seek(0)
        said = log.read().decode(errors="replace").strip().splitlines()
    if status == 0 and result is not None:
        return "result", result
    if status < 0:
        raise ChildProcessError(f"signal {-status} ({signal.strsignal(-status)}) on node {node}")
    return "unfit", node, said[-1] if said else f"{path} exited with code {status}"


# --- The cluster ------------------------------------------------------------------------------------------------------


def reach(address, timeout):
    """Fails at once where nobody listens: Ray itself tries for minutes."""
    host, port = address.removeprefix("ray://").rsplit(":", 1)
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except OSError as error:
        fail("unreachable", error.strerror or error)


def connect(address, timeout):
    deadline = time.monotonic() + timeout
    try:
        import ray
    except ImportError as error:
        fail("missing", error)
    if address != "auto":
        reach(address, timeout)
    alarm = threading.Timer(max(1.0, deadline - time.monotonic()), fail, ["silent"])
    alarm.daemon = True
    alarm.start()
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
        while ray.cluster_resources().get("CPU", 0) < 1:
            if time.monotonic() > deadline - 1:
                fail("empty")
            time.sleep(POLL)
    except Exception as error:
        fail("version" if "ersion mismatch" in str(error) else "refused", error)
    alarm.cancel()
    return ray


class Cluster:
    def __init__(self, request):
        self.request = request
        self.ray = ray = connect(request["address"], request["timeout"])
        self.reporter = ray.remote(Reporter).options(
            num_cpus=0, max_restarts=-1, scheduling_strategy=self.at_home()).remote()
        self.train = ray.remote(train).options(
            num_cpus=1, max_retries=request["retries"], retry_exceptions=[ChildProcessError])
        with open(request["program"]["path"], "rb") as file:
            self.image = file.read()
        self.program = {**request["program"], "digest": hashlib.sha256(self.image).hexdigest()}
        self.shipped = None
        self.alive = set()
        self.pending = {}

    def at_home(self):
        """The node of this process, or the one that a client speaks to: when it ends, so do we."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(self.ray.get_runtime_context().get_node_id(), soft=True)

    def submit(self, index):
        ref = self.train.remote(index, self.request["jobs"][index], self.program, self.shipped, self.reporter)
        self.pending[ref] = index

    def ship(self):
        """Puts the program into the object store, from where nodes without it get it."""
        if self.shipped is None:
            self.shipped = self.ray.put(zlib.compress(self.image, 1))

    def run(self):
        ray = self.ray
        tell("connected", cpus=ray.cluster_resources().get("CPU", 0), nodes=sum(node["Alive"] for node in ray.nodes()))
        self.look_for_losses()
        for index in range(len(self.request["jobs"])):
            self.submit(index)
        spoke = alive = time.monotonic()
        while self.pending and not STOPPING.is_set():
            done, _ = ray.wait(list(self.pending), num_returns=len(self.pending), timeout=POLL)
            self.hear()
            self.look_for_losses()
            for ref in done:
                self.end(ref)
            now = time.monotonic()
            if now - spoke >= ALIVE:
                spoke = now
                tell("alive")
                if ray.cluster_resources().get("CPU", 0) >= 1:
                    alive = now
                elif now - alive > STRANDED:
                    fail("stranded")
        for ref in self.pending:
            ray.cancel(ref, force=True)

    def hear(self):
        """Passes on what the trainings said. Only a report of progress is lost when this fails."""
        try:
            events = self.ray.get(self.reporter.take.remote(), timeout=PATIENCE)
        except (self.ray.exceptions.RayActorError, self.ray.exceptions.GetTimeoutError):
            return
        for index, line in events:
            tell("checkpoint", index=index, line=line)

    def look_for_losses(self):
        for node in self.ray.nodes():
            if node["Alive"]:
                self.alive.add(node["NodeID"])
            elif node["NodeID"] in self.alive:
                self.alive.remove(node["NodeID"])
                tell("lost", node=node["NodeManagerAddress"])

    def end(self, ref):
        exceptions = self.ray.exceptions
        index = self.pending[ref]
        try:
            outcome = self.ray.get(ref, timeout=PATIENCE)
        except exceptions.GetTimeoutError:
            return  # Its node is gone, and it is trained again.
        except exceptions.RayTaskError as error:
            del self.pending[ref]
            if isinstance(error.cause, ChildProcessError):
                tell("died", index=index, message=str(error.cause))
                return
            fail("task", error.cause)
        except exceptions.RayError as error:
            fail("lost", type(error).__name__, index=index)
        del self.pending[ref]
        if outcome[0] == "result":
            tell("ended", index=index, line=outcome[1])
        elif outcome[0] == "lacks":
            self.ship()
            self.submit(index)
        else:
            fail("unfit", f"{outcome[1]}: {outcome[2]}")


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the reader, which then closes our input.
    with open(sys.argv[-1], encoding="utf-8") as file:
        request = json.load(file)
    threading.Thread(target=watch_reader, daemon=True).start()
    try:
        cluster = Cluster(request)
        cluster.run()
        tell("done")
        cluster.ray.shutdown()
    except Exception as error:
        fail("broken", f"{type(error).__name__}: {error}")
    os._exit(0)


if __name__ == "__main__":
    main()
