package main

import (
	"net/http/httptest"
	"testing"
)

func TestThePageSaysHello(t *testing.T) {
	recorder := httptest.NewRecorder()
	hello(recorder, httptest.NewRequest("GET", "/", nil))
	if got := recorder.Body.String(); got != "Hello from Go\n" {
		t.Errorf("the page says %q", got)
	}
}
