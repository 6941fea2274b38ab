from app import app


def test_the_page_says_hello():
    assert app.test_client().get("/").text == "Hello from Python\n"
