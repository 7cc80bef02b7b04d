package demo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// headerWithin is how long a client of the organization may take for its headers.
const headerWithin = 10 * time.Second

// Serve serves the organization on a free port of this machine, and has the environment name
// it and nothing else. aside stands before the organization; nil: nothing.
func (w *World) Serve(aside func(http.Handler) http.Handler) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulated organization: %w", err)
	}
	var handler http.Handler = w
	if aside != nil {
		handler = aside(w)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerWithin}
	go server.Serve(l) // ends with Close
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + l.Addr().String(), "AWS_ACCESS_KEY_ID": w.Administrator.ID, "AWS_SECRET_ACCESS_KEY": w.Administrator.Secret,
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, errors.Join(err, server.Close())
		}
	}
	return func() { server.Close() }, nil
}
