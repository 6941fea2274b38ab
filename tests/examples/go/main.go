// Command hello serves one page.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/google/uuid"
)

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Request-Id", uuid.NewString())
	fmt.Fprintln(w, "Hello from Go")
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("/", hello)
	log.Println("listening on", port)
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
