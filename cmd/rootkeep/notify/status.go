package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// standing is how the notices of a server do, as JSON.
type standing struct {
	Schema string                `json:"schema"`
	Ways   []client.NoticeWay    `json:"ways"`
	Dead   []client.NoticeLetter `json:"dead"`
	Held   []client.NoticeLetter `json:"held"`
}

func statusCommand(s cli.Streams) *cobra.Command {
	var f cli.ServerFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how a server's ways do, what nobody took and what is held back",
		Long: `Status asks a running server: when each way last took a notice and last failed, which
notices nobody took, and which quiet hours hold back. It needs a token of a responder or
an administrator. What nobody took is sent again by rootkeep jobs retry.`,
		Example: "  rootkeep notify status\n  rootkeep notify status --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			out := standing{"rootkeep/notify-status/1", []client.NoticeWay{}, []client.NoticeLetter{}, []client.NoticeLetter{}}
			for w, err := range client.All[client.NoticeWay](c.Context(), server, "/notices/ways", nil) {
				if err != nil {
					return err
				}
				out.Ways = append(out.Ways, w)
			}
			for state, list := range map[string]*[]client.NoticeLetter{"dead": &out.Dead, "held": &out.Held} {
				for l, err := range client.All[client.NoticeLetter](c.Context(), server, "/notices/letters", url.Values{"state": {state}}) {
					if err != nil {
						return err
					}
					*list = append(*list, l)
				}
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, out)
			}
			return cli.PrintVisible(s.Out, out.text())
		},
	}
	f.Register(c)
	return c
}

func (st *standing) text() string {
	var b strings.Builder
	for _, w := range st.Ways {
		fmt.Fprintf(&b, "%s (%s, %s): %s waiting, %d held back, %d not taken\n", w.Name, w.Kind, w.Target, text.Counted(w.Waiting, "notice"), w.Held, w.Dead)
		if !w.Taken.IsZero() {
			fmt.Fprintf(&b, "    last taken %s\n", text.Stamp(w.Taken))
		}
		if !w.Failed.IsZero() {
			fmt.Fprintf(&b, "    last failed %s: %s\n", text.Stamp(w.Failed), oneLine(w.Said))
		}
	}
	if len(st.Ways) == 0 {
		b.WriteString("no way: nobody is told of anything; hint: the setting notify.ways, see docs/notify.md\n")
	}
	for _, l := range st.Dead {
		fmt.Fprintf(&b, "not taken: %s by %s: %s: %s; hint: rootkeep jobs retry %s\n", l.Notice, l.Way, oneLine(l.Title), oneLine(l.Error), l.ID)
	}
	for _, l := range st.Held {
		fmt.Fprintf(&b, "held back until %s: %s by %s: %s\n", l.Due.UTC().Format(time.RFC3339), l.Notice, l.Way, oneLine(l.Title))
	}
	return b.String()
}

// oneLine is a text of others that must not end its line.
func oneLine(s string) string { return text.Visible(s, text.Line) }
