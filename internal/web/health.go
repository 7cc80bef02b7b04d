package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	readyWithin = 3 * time.Second
	mostBehind  = time.Minute // of the clock: sessions and signatures would end too late
)

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, "ok\n")
	return err
}

// ready says whether the server can do its work. What is wrong is in the log: anybody may
// ask.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	h, err := s.config.Store.Health(ctx)
	if err == nil && h.Behind > mostBehind {
		err = fmt.Errorf("the clock is %s behind the newest entry of the ledger", h.Behind)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "ready\n"
	if err != nil {
		s.config.Log.ErrorContext(ctx, "not ready", "error", err.Error())
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "not ready\n"
	}
	_, err = io.WriteString(w, text)
	return err
}
