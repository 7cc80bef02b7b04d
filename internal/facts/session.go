package facts

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// Session is one set of temporary credentials that the scan itself was given, so that
// later nobody takes its traces for an intruder's.
type Session struct {
	Account        rootkeep.AccountID `json:"account"`         // whose account it acts in
	Role           string             `json:"role"`            // ARN; of a root session, the task policy's
	Root           bool               `json:"root"`            // given by sts:AssumeRoot
	AccessKey      string             `json:"access_key"`      // ID, never the secret; "" for a root session that was refused
	SourceIdentity string             `json:"source_identity"` // SC-<scan id>
	Start          time.Time          `json:"start"`
	End            time.Time          `json:"end"` // when the credentials expire
}
