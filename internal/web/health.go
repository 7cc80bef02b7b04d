package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

const readyWithin = 3 * time.Second

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, "ok\n")
	return err
}

// ready says whether the server can do its work. Why not is in the log: anybody may ask.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	err := s.config.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		_, err := s.config.Store.Head(ctx, read)
		return err
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		s.config.Log.ErrorContext(ctx, "not ready", "error", err.Error())
		w.WriteHeader(http.StatusServiceUnavailable)
		_, err := io.WriteString(w, "not ready: the store\n")
		return err
	}
	_, err = fmt.Fprintln(w, "ready")
	return err
}
