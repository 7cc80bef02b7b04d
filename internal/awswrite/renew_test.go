package awswrite_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/session"
)

var expiration = regexp.MustCompile(`<Expiration>[^<]*</Expiration>`)

// TestASessionIsRenewedBeforeItEnds has AWS give sessions that end within the time that a
// call may take: each call has a new one.
func TestASessionIsRenewedBeforeItEnds(t *testing.T) {
	left := time.Hour
	w := newWorld(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, in)
			body := expiration.ReplaceAll(answer.Body.Bytes(), []byte("<Expiration>"+time.Now().Add(left).UTC().Format(time.RFC3339)+"</Expiration>"))
			for name, values := range answer.Header() {
				out.Header()[name] = values
			}
			out.Header().Set("Content-Length", strconv.Itoa(len(body)))
			out.WriteHeader(answer.Code)
			out.Write(body)
		})
	})
	for _, c := range []struct {
		name        string
		left        time.Duration
		least, most int // sessions
	}{{"an hour is left", time.Hour, 1, 1}, {"four minutes are left", 4 * time.Minute, 3, 6}} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.ResetRequests()
			left = c.left
			w.open(session.Config{})
			for range 3 {
				w.do("iam:ListGroups", nil)
			}
			if n := w.asked("AssumeRole"); n < c.least || n > c.most {
				t.Errorf("got %d sessions for three calls, want %d to %d", n, c.least, c.most)
			}
		})
	}
}
