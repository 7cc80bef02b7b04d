package approvals

import (
	"encoding/base64"
	"encoding/json"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// prompt is what the page's module asks the browser for: options of
// navigator.credentials.get as JSON, without the challenge. The module hashes the text
// that the page shows and takes that.
type prompt struct {
	RPID       string       `json:"rpId"`
	Timeout    int64        `json:"timeout"` // milliseconds
	Verify     string       `json:"userVerification"`
	Credential []descriptor `json:"allowCredentials"`
}

type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"` // base64url
	Transports []string `json:"transports,omitempty"`
}

// Prompt is what the module approve.js asks the browser for on a page of the site. It
// names the keys of who signs, so that the browser offers no other.
func Prompt(at approval.Site, keys []stored.Key) string {
	p := prompt{RPID: at.RPID, Timeout: approval.SignWithin.Milliseconds(), Verify: "required", Credential: []descriptor{}}
	for _, k := range keys {
		p.Credential = append(p.Credential, descriptor{"public-key", base64.RawURLEncoding.EncodeToString(k.Credential), k.Transports})
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(text)
}

// statementView is what the page of a statement shows.
type statementView struct {
	*Folder
	face      *Face
	facts     []page.Fact
	changed   []Difference // since it was asked for
	statement *approval.Statement
	prompt    string
	actor     people.Actor
}
