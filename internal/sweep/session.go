package sweep

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// The sessions of a scan are on record before they are used, a JSON object a line:
// CloudTrail will show what they did even if the scan ends before the account is read.
const (
	sessionFile  = "sessions.jsonl"
	mostSessions = 64 << 20 // bytes; a session takes 300
)

// Entered keeps a session. It may be called at the same time by many.
func (s *Sweep) Entered(session facts.Session) error {
	line, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.sessionPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = cmp.Or(err, f.Sync()); err == nil {
		return f.Close()
	}
	f.Close()
	return fmt.Errorf("save session: %w", err)
}

// Sessions are those of the scan so far. A last line that is not whole, as a scan that
// was killed may leave it, is of a session that was never used: it is left out. Nothing
// is written.
func (s *Sweep) Sessions() ([]facts.Session, error) {
	text, err := s.sessionLines()
	if err != nil {
		return nil, err
	}
	var out []facts.Session
	n := 0
	for line := range bytes.Lines(text[:whole(text)]) {
		n++
		var one facts.Session
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", s.sessionPath(), n, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// cutSessions takes a last line that is not whole out of the file, so that the next one
// does not join it.
func (s *Sweep) cutSessions() error {
	text, err := s.sessionLines()
	if err != nil || whole(text) == len(text) {
		return err
	}
	if err := os.Truncate(s.sessionPath(), int64(whole(text))); err != nil {
		return fmt.Errorf("save sessions: %w", err)
	}
	return nil
}

// whole is the length of the lines that are whole.
func whole(text []byte) int { return bytes.LastIndexByte(text, '\n') + 1 }

func (s *Sweep) sessionPath() string { return filepath.Join(s.dir, sessionFile) }

// sessionLines is the file of sessions, nothing if there is none.
func (s *Sweep) sessionLines() ([]byte, error) {
	f, err := os.Open(s.sessionPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostSessions+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read sessions: %w", err)
	case len(text) > mostSessions:
		return nil, fmt.Errorf("%s: more than %d MiB", f.Name(), mostSessions>>20)
	}
	return text, nil
}
