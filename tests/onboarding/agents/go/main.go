// A service that answers each request with a price; cart.go is the document's.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

func main() {
	stop, err := startTracing(context.Background())
	if err != nil {
		panic(err)
	}
	defer stop(context.Background())
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, price(r.Context(), 3))
	})
	err = http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), otelhttp.NewHandler(answer, "cart"))
	fmt.Fprintln(os.Stderr, err)
}
