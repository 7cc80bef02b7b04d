package evidence

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/ledger"
)

// Contents is what the index of a bundle tells of.
type Contents struct {
	Origin  string
	Made    time.Time // of the newest entry of the log
	Head    ledger.Checkpoint
	Period  ledger.Period
	Keys    []string
	Anchors []ledger.Anchor
	Rows    []Row
	Trail   *Trail         // nil: nothing of CloudTrail
	Root    *ledger.Period // of what the bundle tells of root users; nil: nothing
}

// Row is an entry of the bundle.
type Row struct {
	Index    int64
	Entry    *ledger.Entry
	Border   bool
	Payloads []Cell
}

// Cell is a payload: its file, or that it is not there.
type Cell struct{ Name, File, Gone string }

const style sheet.Markup = `td a{margin-right:.6em}.border{opacity:.65}`

// WriteIndex writes the bundle's page for people: what is in it and where. The page is a
// list, no proof; equal content gives equal bytes.
func WriteIndex(out io.Writer, c *Contents) error {
	p := sheet.Sheet{Writer: bufio.NewWriter(out)}
	p.Head("rootkeep evidence: "+c.Origin, style)
	p.Masthead("Evidence", c.Made, []sheet.Entry{{ID: "about", Name: "About"}, {ID: "entries", Name: "Entries", N: len(c.Rows)}, {ID: "anchors", Name: "Anchors", N: len(c.Anchors)}})
	p.Raw(`<main id="main">`)
	about(p, c)
	rows(p, c)
	places(p, c)
	cloudTrail(p, c.Trail)
	p.Raw("</main>\n</div>\n</body>\n</html>\n")
	return p.Flush()
}

func about(p sheet.Sheet, c *Contents) {
	p.Raw(`<section id="about"><h1>Evidence</h1><p class="lede">`)
	p.Text("Entries of the ledger " + c.Origin + ", with their proofs.")
	p.Raw(`</p><p class="caveat">This page is a list and proves nothing: anybody can write a page. `)
	p.Raw(`<code>rootkeep verify</code> checks the bundle, with no server and no network; <a href="README.txt">README.txt</a> says how.</p><dl>`)
	p.Row("Period", c.Period.From.Format(time.RFC3339)+" to "+c.Period.To.Format(time.RFC3339))
	p.Row("Head", fmt.Sprintf("%d entries, %s", c.Head.Size, c.Head.Root))
	for _, k := range c.Keys {
		p.Row("Key of the ledger", k)
	}
	p.Raw("</dl>")
	if c.Root != nil {
		p.Raw("<p>")
		link(p, RootPage, "Root users")
		p.Text("from " + c.Root.From.Format(time.RFC3339) + " to " + c.Root.To.Format(time.RFC3339) + ": requests, events with their verdicts, coverage, cases.")
		p.Raw("</p>")
	}
	p.Raw("</section>\n")
}

func rows(p sheet.Sheet, c *Contents) {
	p.Section("entries", "Entries", len(c.Rows))
	p.Raw("<table><thead><tr><th>Number</th><th>Time</th><th>What</th><th>Subject</th><th>By</th><th>Files</th></tr></thead><tbody>\n")
	for _, r := range c.Rows {
		under := ""
		p.Raw("<tr>")
		if r.Border {
			under = "outside of the period, to show its border"
		}
		p.TD("Number", "", strconv.FormatInt(r.Index, 10), under)
		p.TD("Time", "", r.Entry.Time.Format(time.RFC3339), "")
		p.TD("What", "", r.Entry.Type, "")
		p.TD("Subject", "", r.Entry.Subject, "")
		p.TD("By", "", r.Entry.Actor, "")
		p.Raw(`<td data-column="Files">`)
		link(p, fmt.Sprintf("entries/%d.json", r.Index), "entry")
		link(p, fmt.Sprintf("receipts/%d.tlog-proof", r.Index), "receipt")
		for _, cell := range r.Payloads {
			if cell.File != "" {
				link(p, cell.File, cell.Name)
			} else {
				p.Text(cell.Name + " (" + cell.Gone + ") ")
			}
		}
		p.Raw("</td></tr>\n")
	}
	p.Raw("</tbody></table></section>\n")
}

func link(p sheet.Sheet, file, name string) {
	p.Raw("<a")
	p.Attr("href", file)
	p.Raw(">")
	p.Text(name)
	p.Raw("</a> ")
}

func places(p sheet.Sheet, c *Contents) {
	p.Section("anchors", "Anchors", len(c.Anchors))
	if len(c.Anchors) == 0 {
		p.Raw(`<p class="none">No place outside holds a checkpoint of this ledger.</p></section>` + "\n")
		return
	}
	p.Raw("<table><thead><tr><th>Place</th><th>Kind</th><th>Entries</th><th>Time</th></tr></thead><tbody>\n")
	for _, a := range c.Anchors {
		p.Raw("<tr>")
		p.TD("Place", "", a.Place, "")
		p.TD("Kind", "", a.Kind, "")
		p.TD("Entries", "", strconv.FormatInt(a.Size, 10), "")
		p.TD("Time", "", a.At.UTC().Format(time.RFC3339), "")
		p.Raw("</tr>\n")
	}
	p.Raw("</tbody></table></section>\n")
}

// cloudTrail tells of the files of CloudTrail, and of those that are not there.
func cloudTrail(p sheet.Sheet, t *Trail) {
	if t == nil {
		return
	}
	p.Section("cloudtrail", "CloudTrail", t.Digests+t.Logs)
	p.Raw("<dl>")
	p.Row("Digest files", strconv.Itoa(t.Digests))
	p.Row("Log files", fmt.Sprintf("%d with root events or undecided; %d without root events are not in the bundle", t.Logs, t.Rootless))
	p.Row("Bounds", fmt.Sprintf("%d files, %d bytes", t.MostFiles, t.MostBytes))
	p.Row("Left out", fmt.Sprintf("%d files; %d inputs that could not be looked into", t.LeftOut, t.Unreadable))
	for _, k := range t.Keys {
		p.Row("AWS's keys", k.Source)
	}
	p.Raw("</dl><ul><li>")
	link(p, TrailFile, "all of this, as JSON")
	p.Raw("</li>")
	for _, l := range t.Named {
		p.El("li", "", "left out: "+l.Path+": "+l.Reason)
	}
	for _, file := range t.Undecided {
		p.El("li", "", "undecided: "+file)
	}
	p.Raw("</ul></section>\n")
}

// Readme is the bundle's README.txt.
func Readme(c *Contents) []byte {
	return fmt.Appendf(nil, `Evidence of the ledger %s
from %s to %s

rootkeep verify BUNDLE.zip --key KEYS.txt   checks everything in this bundle, with no
server and no network. KEYS.txt holds the ledger's verifier keys as you were given them
before: those in this bundle could be anybody's.

What is in it
  manifest.json          every file with its size and SHA-256, written last
  checkpoint             head of the log: name, number of entries, root hash, signatures
                         (C2SP tlog-checkpoint, signed-note)
  entries/N.json         entry N, to the byte as the log hashes it (canonical JSON)
  receipts/N.tlog-proof  that entry N is in the log of the checkpoint (C2SP tlog-proof)
  payloads/N-I           what lies beside entry N. The entry holds, in base64, the SHA-256
                         of the salt (manifest.json, base64) followed by these bytes
  keys/                  changes of the ledger's key, each signed by the key before
  anchors/               checkpoints that others hold, and what they gave for them; the
                         proofs of consistency are in manifest.json
%s  index.html             a list for people; it proves nothing

By hand
  Leaf hash of entry N: SHA-256 of one zero byte and the file.
    ( printf '\000'; cat entries/N.json ) | openssl dgst -sha256
  A receipt and a checkpoint are checked by any tool for C2SP tlog-proof.
  A time stamp (anchors/I.proof) is on the signed checkpoint beside it:
    openssl ts -verify -data anchors/I.checkpoint -in anchors/I.proof -CAfile ROOTS.pem

An entry before the period and one after it are there without their payloads: the
numbers have no gap, so nothing of the period is left out.
`, c.Origin, c.Period.From.Format(time.RFC3339), c.Period.To.Format(time.RFC3339), trailReadme(c.Trail)+rootReadme(c.Root))
}

func rootReadme(p *ledger.Period) string {
	if p == nil {
		return ""
	}
	return `  root/*.json            what the entries tell of root users: requests with who signed them,
                         verdicts, the changes that explain some, sessions, coverage, cases, and for which accounts absence
                         is claimed. rootkeep verify tells it again, and compares to the byte
  root/events/           records of events, as they were delivered
  root/index.html        the same for people; it proves nothing
  oscal-assessment-results.json   the same as OSCAL assessment results
`
}

func trailReadme(t *Trail) string {
	if t == nil {
		return ""
	}
	return `  aws/trail.json         what there is of CloudTrail, how it was chosen, what was left out
  aws/copy/N/            digest files, and log files with root events, as they lie in the
                         bucket; + and two hexadecimal digits stand for another byte
  aws/keys/              AWS's public keys, as whoever made the bundle had them: take your
                         own, of aws cloudtrail list-public-keys, for --aws-keys
`
}
