import os
from collections import Counter

from flask import Flask, Response, request

app = Flask(__name__)
answers = Counter()


@app.get("/")
def hello():
    return "Hello from Python\n"


@app.get("/metrics")
def metrics():
    """Returns the number of answers of the page by status, for a Prometheus."""
    lines = [f'app_answers_total{{code="{code}"}} {count}\n' for code, count in answers.items()]
    return Response(lines, mimetype="text/plain")


@app.after_request
def count(response):
    if request.path == "/":
        answers[response.status_code] += 1
    return response


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
