// Package receiver is where notices of the demonstration go: a webhook on this machine that
// takes what comes and keeps nothing, so that deliveries are seen and nothing leaves.
package receiver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Receiver takes notices until it is closed.
type Receiver struct {
	server  *http.Server
	address string
}

const mostNotice = 1 << 20 // bytes that are read of one

// Open listens on a free port of this machine.
func Open() (*Receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receiver of notices: %w", err)
	}
	r := &Receiver{server: &http.Server{Handler: http.HandlerFunc(take), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}, address: "http://" + l.Addr().String()}
	go r.server.Serve(l) // ends with Close
	return r, nil
}

func take(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, mostNotice)); err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
	}
}

// Close takes no more.
func (r *Receiver) Close() error { return r.server.Close() }

// Ways writes a file of ways into a folder, with one way that leads here, and gives its path.
func (r *Receiver) Ways(folder string) (path string, err error) {
	path, secret := filepath.Join(folder, "ways.yaml"), filepath.Join(folder, "ways.secret")
	text := fmt.Sprintf("ways:\n  - name: receiver-on-this-machine\n    notifier: webhook\n    settings: {url: %q}\n    secret_files: {secret: %q}\n", r.address, secret)
	return path, errors.Join(os.WriteFile(secret, []byte(rand.Text()+rand.Text()), 0o600), os.WriteFile(path, []byte(text), 0o600))
}
