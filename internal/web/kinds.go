package web

import (
	"net/http"

	"github.com/rootkeep/rootkeep/internal/web/page"
)

// problemKinds says what each kind of problem means. The kinds are part of the API:
// programs branch on them.
func problemKinds() map[string]string {
	return map[string]string{
		"not-signed-in":   "Nobody is signed in, or the token is not good: it is unknown, has ended, or was revoked.",
		"forbidden":       "The actor lacks the permission that the detail names.",
		"needs-key":       "The act needs a touch of the actor's security key within the last five minutes. A token has none.",
		"not-found":       "There is no such thing, or the actor may not see it. Which of the two is not told.",
		"conflict":        "Somebody changed the thing in between. Read it again.",
		"version-needed":  "The change needs If-Match with the ETag of the version that was read.",
		"version-changed": "If-Match names a version that is not the newest any more. Read it again.",
		"invalid":         "The request does not fit the operation; errors say where.",
		"too-large":       "The body is larger than the operation takes.",
		"too-slow":        "The request did not arrive, or its answer was not ready, within its time.",
		"media-type":      "The body, or the answer asked for, has a type that the operation does not know.",
		"method":          "The address does not take this method; the header Allow has those it takes.",
		"bad-path":        "The path has an empty part, a dot part, a backslash or a control character.",
		"bad-key":         "The Idempotency-Key is empty, too long, or has characters that it may not have.",
		"key-reused":      "The Idempotency-Key was sent before, with another body, query or If-Match.",
		"outcome-unknown": "A request with this Idempotency-Key has no answer yet, and may never get one. Look whether it was done.",
		"answer-not-kept": "The request with this Idempotency-Key was done; its answer is not given twice.",
		"wrong-host":      "The request names another host than the server's own.",
		"cross-site":      "A page of another site made the browser send the request.",
		"busy":            "The server does too much at once. Retry-After says when to ask again.",
		"unavailable":     "The store does not answer. Retry-After says when to ask again.",
		"stopping":        "The server is stopping. Retry-After says when to ask again.",
		"too-many":        "The actor asked too often. Retry-After says when to ask again.",
		"internal":        "The server failed. Its log has the reason under the ID of the request.",
	}
}

// problem is the page that the type of a problem leads to.
func (s *Server) problem(w http.ResponseWriter, r *http.Request) error {
	kind := r.PathValue("kind")
	meaning, ok := s.problems[kind]
	if !ok {
		return NotFound("such kind of problem")
	}
	return Show(w, r, "Problem "+kind, page.Problem(kind, meaning))
}
