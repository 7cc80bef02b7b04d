package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

const (
	readyWithin = 3 * time.Second
	mostBehind  = time.Minute     // of the clock: what others began would end too late here
	settledIn   = 2 * time.Minute // see settling
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
	if err == nil {
		err = s.timely(ctx, h)
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

// settling watches a newest entry that lies ahead of the clock. Either this clock is wrong,
// or the one that wrote the entry was and has been put right. Entries of a server whose
// clock is behind take the time of the newest, so that time goes on only if some server's
// clock is beyond it: then it is this one that is wrong. If it stands still, no clock is
// there any more, and to wait until time has caught up would help nobody.
type settling struct {
	mu     sync.Mutex // guards the fields below
	newest time.Time  // of the entries when the watch began
	since  time.Time
}

// watch says whether the newest entry has stood still for long enough; the zero time, that
// none lies ahead, ends the watch.
func (w *settling) watch(newest, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !newest.Equal(w.newest) || now.Before(w.since) {
		w.newest, w.since = newest, now
	}
	return now.Sub(w.since) >= settledIn
}

// timely is the error of a clock that is behind those of other servers.
func (s *Server) timely(ctx context.Context, h store.Health) error {
	if h.Behind <= mostBehind {
		s.settling.watch(time.Time{}, s.config.Now())
		return nil
	}
	if !s.settling.watch(h.Newest, s.config.Now()) {
		return fmt.Errorf("the clock is %s behind the newest entry of the ledger; hint: set the clock, or wait %s if it is right", h.Behind, settledIn)
	}
	s.config.Log.WarnContext(ctx, "the newest entry of the ledger is of a clock that ran ahead; entries have its time until then", "behind", h.Behind.String())
	return nil
}
