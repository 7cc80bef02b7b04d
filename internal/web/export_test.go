package web

import "time"

// PollEvery makes the streams of events look for notices more often.
func (s *Server) PollEvery(d time.Duration) { s.poll = d }
