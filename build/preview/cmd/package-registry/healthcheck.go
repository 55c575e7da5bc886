package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// checkHealth asks the server that listens on address for /health. One may call the address that one listens on:
// "0.0.0.0:8080" and ":8080" mean this machine, says net.Dial.
func checkHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return err
	}
	// A transport of its own: the default one would go through HTTP_PROXY.
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
	return nil
}
