"""Sends a message from Python: SEND_FUNCTION=… python3 send.py bob. See docs/send.md."""
import json
import os
import sys

import boto3


def send(*messages, service="reports"):
    """Sends messages. Returns the outcome of each, in order."""
    event = {"service": service, "messages": messages}
    reply = boto3.client("lambda").invoke(FunctionName=os.environ["SEND_FUNCTION"], Payload=json.dumps(event))
    answer = json.load(reply["Payload"])
    if "FunctionError" in reply:
        raise RuntimeError(f"{answer['errorType']}: {answer['errorMessage']}")
    return answer["results"]


if __name__ == "__main__":
    for result in send({"to": {"user": sys.argv[1]}, "data": {"title": "Your report"}, "id": "report-7"}):
        error = result.get("error")
        print(f"{error['code']} (retryable: {error['retryable']})" if error else result["status"])
