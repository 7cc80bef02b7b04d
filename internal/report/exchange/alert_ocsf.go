package exchange

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Standing is an alert of a server, and where it stands there.
type Standing struct {
	rootkeep.Alert
	Stands string // new, acknowledged, snoozed or closed
}

// standings are status_id and its caption, by where an alert stands (OCSF 1.3.0, Finding).
var standings = map[string]struct {
	id      int
	caption string
}{"new": {1, "New"}, "acknowledged": {2, "In Progress"}, "snoozed": {2, "In Progress"}, "closed": {4, "Resolved"}}

// AlertsOCSF writes alerts of a server as OCSF writes those of a hunt, one a line. One that
// is closed is a finding that is closed.
func AlertsOCSF(w io.Writer, list []Standing, version string, now time.Time) error {
	h := &report.Hunt{Version: version, Finished: now}
	out := bufio.NewWriter(w)
	for i := range list {
		a := &list[i]
		f := newFinding(h, &a.Alert)
		status, ok := standings[a.Stands]
		if !ok {
			return fmt.Errorf("write alert %s as OCSF: it is %q, which is no state of an alert", a.ID, a.Stands)
		}
		if f.StatusID, f.Status = status.id, status.caption; a.Stands == "closed" {
			const closes = 3
			f.ActivityID, f.ActivityName, f.TypeUID, f.TypeName = closes, "Close", f.ClassUID*100+closes, f.ClassName+": Close"
		}
		if a.Kind == "finding" && len(a.Rules) > 0 {
			f.Info.DataSources = []string{a.Rules[0].Author}
		}
		b, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("write alert %s as OCSF: %w", a.ID, err)
		}
		out.Write(append(text.Inert(b), '\n')) // an error stays until Flush
	}
	return out.Flush()
}
