// A service: answers, and asks the next one first.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	next := os.Getenv("NEXT")
	// Over new connections: before Linux 6.4, Beyla does not write into those that are open already.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer := func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if r.URL.Path == "/fail" {
			status = http.StatusInternalServerError
		}
		if next != "" {
			// With the context of the request, as services do.
			request, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, next+r.URL.Path, nil)
			response, err := client.Do(request)
			if err != nil {
				status = http.StatusBadGateway
			} else {
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode >= http.StatusInternalServerError {
					status = response.StatusCode
				}
			}
		}
		parent := r.Header.Get("traceparent")
		fmt.Printf("{\"message\": \"answered\", \"path\": %q, \"traceparent\": %q}\n", r.URL.Path, parent)
		fmt.Printf("INFO answered %s\n", r.URL.Path)
		w.WriteHeader(status)
		fmt.Fprint(w, "done")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{order}", answer)
	mux.HandleFunc("GET /", answer)
	if err := http.ListenAndServe(os.Getenv("LISTEN"), mux); err != nil {
		panic(err)
	}
}
