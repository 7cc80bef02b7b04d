package inventory

import (
	"encoding/json"
	"time"
)

// Scans are the sessions that rootkeep's own scans were given, from their snapshots.
// Without them an AssumeRoot session of the scanner looks like any use of root.
type Scans struct {
	sessions map[string]scan // by access key ID
	calls    map[string]bool // event names that a scan makes
}

type scan struct{ start, end int64 }

// NewScans expects calls of these event names only, such as DescribeTrails.
func NewScans(calls []string) *Scans {
	s := &Scans{sessions: map[string]scan{}, calls: map[string]bool{}}
	for _, name := range calls {
		s.calls[name] = true
	}
	return s
}

// Add takes one session by the access key that AWS issued to it.
func (s *Scans) Add(accessKey string, start, end time.Time) {
	s.sessions[accessKey] = scan{start.Unix(), end.Unix()}
}

// Len is the number of sessions.
func (s *Scans) Len() int {
	if s == nil {
		return 0
	}
	return len(s.sessions)
}

// Explains says whether an event is a scan's: its key is a session's, its time within
// the session, its call one that a scan makes. Taking a session is explained by the
// key that AWS issued, whoever took it. A stolen session that does anything else, or
// takes another, is not explained. record is the event's JSON.
func (s *Scans) Explains(accessKey, eventName []byte, at int64, record []byte) bool {
	if s == nil {
		return false
	}
	key, expected := string(accessKey), s.calls[string(eventName)]
	if name := string(eventName); name == "AssumeRoot" || name == "AssumeRole" {
		key, expected = issued(record), true
	}
	known, ok := s.sessions[key]
	return ok && known.start-clockSkew <= at && at <= known.end && expected
}

// clockSkew is how far AWS's clock may be from the scanner's, seconds.
const clockSkew = 300

// issued is the key in the answer of STS.
func issued(record []byte) string {
	var call struct {
		Response struct {
			Credentials struct {
				Key string `json:"accessKeyId"`
			} `json:"credentials"`
		} `json:"responseElements"`
	}
	if json.Unmarshal(record, &call) != nil {
		return "" // an odd shape explains nothing
	}
	return call.Response.Credentials.Key
}
