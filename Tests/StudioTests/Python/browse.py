"""Drives a headless Chromium over its debugging pipe: reads {"chromium", "url", "steps"} from standard input and prints
what each "evaluate" gave. Needs nothing but Python."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

KEYS = {
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27, "Tab": 9, " ": 32,
}


class Browser:
    def __init__(self, chromium):
        self.profile = tempfile.mkdtemp()
        ours, theirs = os.pipe(), os.pipe()

        def pipes():
            # Both ends are copied away first: one may have the number of the other's goal.
            reading, writing = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", "--user-data-dir=" + self.profile, "about:blank"],
            close_fds=False, preexec_fn=pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.writer, self.reader = ours[1], theirs[0]
        self.buffer, self.number, self.session, self.complaints = b"", 0, None, []

    def send(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                chunk = os.read(self.reader, 1 << 20)
                if not chunk:
                    raise SystemExit("Chromium ended before its time.")
                self.buffer += chunk
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(answer["params"]["exceptionDetails"])[:2000])
            if answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.complaints.append(answer["params"]["entry"]["text"])
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]

    def attach(self):
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log"]:
            self.send(domain + ".enable")

    def evaluate(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression}: {json.dumps(result['exceptionDetails'])[:2000]}")
        return result["result"].get("value")

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def key(browser, name):
    code = KEYS.get(name, ord(name.upper()[0]))
    text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
    common = {"key": name, "windowsVirtualKeyCode": code}
    browser.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
    browser.send("Input.dispatchKeyEvent", type="keyUp", **common)


def step(browser, task, url):
    (kind, value), = [item for item in task.items() if item[0] != "seconds"]
    if kind == "go":
        browser.send("Page.navigate", url=value or url)
    elif kind == "screen":
        browser.send("Emulation.setDeviceMetricsOverride", width=value["width"], height=value["height"],
                     deviceScaleFactor=value.get("density", 1), mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": value.get("scheme", "light")}]
        browser.send("Emulation.setEmulatedMedia", features=scheme)
    elif kind == "wait":
        until = time.time() + task.get("seconds", 30)
        while not browser.evaluate(value):
            if time.time() > until:
                state = browser.evaluate("document.body.innerText.slice(0, 600)")
                raise SystemExit(f"In vain: {value}\n{state}\n{browser.complaints}")
            time.sleep(0.05)
    elif kind == "key":
        key(browser, value)
    elif kind == "type":
        browser.send("Input.insertText", text=value)
    elif kind == "screenshot":
        picture = browser.send("Page.captureScreenshot", format="png", captureBeyondViewport=task.get("seconds") == 0)
        with open(value, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
    elif kind == "evaluate":
        return [browser.evaluate(value)]
    elif kind == "sort":
        # Answers all pairs by an expression that says which side is better.
        answered = 0
        while browser.evaluate("known.question && known.question.sides.length > 0"):
            browser.evaluate(f"window.before = {answered}")
            step(browser, {"wait": "onStage.startsWith(before + ' ') && stage.clips.length == 2 && !isSending"}, url)
            key(browser, browser.evaluate(value))
            answered += 1
            step(browser, {"wait": f"!known.question || known.question.pair >= {answered}"}, url)
        return [answered]
    else:
        raise SystemExit(f"There is no step {kind}.")
    return []


def main():
    order = json.load(sys.stdin)
    browser = Browser(order["chromium"])
    try:
        browser.attach()
        results = []
        for task in order["steps"]:
            results += step(browser, task, order["url"])
        print(json.dumps({"results": results, "complaints": browser.complaints}))
    finally:
        browser.close()


if __name__ == "__main__":
    main()
