"""A stand-in for a server of language models: answers POST …/chat/completions as it is told to.

    python chat_server.py --replies replies.json [--port 8000] [--log requests.jsonl] [--until-eof]

The first line on standard output is the port. `replies.json` is a list of replies; a request takes the first one left
whose "when" stands in its last message (any, where there is no "when"), and the last reply is never used up:

    answers   texts of the choices; {authorization} in them, or in raw, is the header of that name
    usage     [prompt tokens, completion tokens]; null for a server that does not count
    status    200 if not given; with "message" an error of that status
    raw       the body as it is, in the place of a chat completion
    headers   more headers
    delay     seconds before the answer
    pieces    sends the body in so many pieces, a twentieth of a second apart
    truncate  promises more bytes than it sends
    hang_up   closes the connection without a word
    pad       bytes of white space around the body
"""

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--replies", required=True)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--log")
    options.add_argument("--until-eof", action="store_true", help="ends when standard input does")
    options = options.parse_args()
    with open(options.replies) as file:
        replies = json.load(file)
    lock = threading.Lock()

    def take(message):
        for index, reply in enumerate(replies):
            if reply.get("when", "") in message:
                return reply if len(replies) == 1 or index == len(replies) - 1 else replies.pop(index)
        return {"status": 500, "message": "no reply is left for this request"}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = json.loads(body)
            with lock:
                reply = take(request["messages"][-1]["content"])
                if options.log:
                    line = {"time": time.time(), "path": self.path, "headers": dict(self.headers), "body": request}
                    with open(options.log, "a") as log:
                        log.write(json.dumps(line) + "\n")
            time.sleep(reply.get("delay", 0))
            try:
                self.answer(request, reply)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def answer(self, request, reply):
            if reply.get("hang_up"):
                self.close_connection = True
                return
            status = reply.get("status", 200)
            if "raw" in reply:
                text = reply["raw"]
            elif status != 200:
                text = json.dumps({"error": {"message": reply.get("message", ""), "code": reply.get("code")}})
            else:
                choices = [
                    {"index": index, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
                    for index, answer in enumerate(reply["answers"])
                ]
                completion = {"id": "1", "object": "chat.completion", "model": request["model"], "choices": choices}
                usage = reply.get("usage", [100, 10])
                if usage is not None:
                    completion["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
                text = json.dumps(completion)
            text = text.replace("{authorization}", self.headers.get("Authorization", ""))
            data = text.encode() + b" " * reply.get("pad", 0)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            for name, value in reply.get("headers", {}).items():
                self.send_header(name, value.replace("{authorization}", self.headers.get("Authorization", "")))
            self.send_header("Content-Length", str(len(data) + (1000 if reply.get("truncate") else 0)))
            self.end_headers()
            count = reply.get("pieces", 1)
            size = -(-len(data) // count)
            for start in range(0, len(data), size):
                self.wfile.write(data[start : start + size])
                self.wfile.flush()
                if count > 1:
                    time.sleep(0.05)
            if reply.get("truncate"):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(server.server_address[1], flush=True)
    if options.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
