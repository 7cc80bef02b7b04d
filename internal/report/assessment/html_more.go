package assessment

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// since is what has changed, newest failures first.
func (p page) since() {
	d := p.scan.Since
	if d == nil {
		return
	}
	p.Section("since", "Changes", 0)
	p.El("p", "", "Since "+text.Stamp(d.Judged)+" UTC ("+d.File+"): "+d.counts()+".")
	if len(d.New)+len(d.Fixed)+len(d.Gone)+len(d.NewlyUnknown) > 0 {
		p.table("Changes", "Change", "Control", "Resource", "Account")
		left := 0
		for _, part := range d.parts() {
			for i := range part.list[:min(len(part.list), mostRows)] {
				f := &part.list[i]
				p.Raw("<tr>")
				p.TD("Change", part.class+" word", part.word, "")
				p.TD("Control", "", f.Control, f.Title)
				p.TD("Resource", "id", f.Resource, string(f.Region))
				p.TD("Account", "num", string(f.Account), "")
				p.Raw("</tr>")
			}
			left += max(len(part.list)-mostRows, 0)
		}
		p.end(left)
	}
	for _, note := range d.notes() {
		p.El("p", "fine", note)
	}
	p.Raw("</section>\n")
}

func (p page) unknown() {
	p.Section("unknown", "Not known", p.scan.Counts.Unknown)
	groups := p.scan.groups(rootkeep.Unknown)
	if len(groups) == 0 {
		p.Raw(`<p class="none">Every fact that decides was read.</p></section>` + "\n")
		return
	}
	p.Raw(`<p>Neither pass nor fail: a fact that decides was not read. The permission is what would tell it.</p>`)
	p.table("Not known", "Control", "What", "Resources", "Why", "Permission")
	for i := range groups {
		g := &groups[i]
		var permissions []string
		for _, f := range g.all {
			for _, permission := range f.Permissions {
				if !slices.Contains(permissions, permission) {
					permissions = append(permissions, permission)
				}
			}
		}
		p.Raw("<tr>")
		p.TD("Control", "num", g.Control, "")
		p.TD("What", "", g.Title, "")
		p.TD("Resources", "num", text.Grouped(len(g.all)), "")
		p.TD("Why", "", strings.Join(missing(g.all), "; "), "")
		p.TD("Permission", "id", strings.Join(permissions, " "), "")
		p.Raw("</tr>")
	}
	p.end(0)
	p.Raw("</section>\n")
}

func (p page) accepted() {
	p.Section("accepted", "Accepted", p.scan.Counts.Excepted)
	if p.scan.Counts.Excepted == 0 {
		p.Raw(`<p class="none">No failure is accepted.</p></section>` + "\n")
		return
	}
	p.Raw(`<p>These fail. An owner accepts it, until a day.</p>`)
	p.table("Accepted", "Control", "Resource", "Owner", "Until", "Reason")
	rows := 0
	for i := range p.scan.Findings {
		f := &p.scan.Findings[i]
		if f.Status != rootkeep.Excepted {
			continue
		}
		// Of root none is left out, however many there are.
		if rows++; rows > mostRows && !f.IsRoot() {
			continue
		}
		e := rootkeep.Exception{}
		if f.Exception != nil {
			e = *f.Exception
		}
		p.Raw("<tr>")
		p.TD("Control", "", f.Control, f.Title)
		p.TD("Resource", "id", f.Resource, string(f.Region))
		p.TD("Owner", "", e.Owner, "")
		p.TD("Until", "num", e.Until.UTC().Format(time.DateOnly), "")
		p.TD("Reason", "", e.Reason, "")
		p.Raw("</tr>")
	}
	p.end(rows - mostRows)
	p.Raw("</section>\n")
}

func (p page) register() {
	if p.scan.Register == nil {
		return
	}
	p.Section("register", "Register", len(p.scan.Register.Notices))
	if len(p.scan.Register.Notices) == 0 {
		p.El("p", "none", "Every entry of "+p.scan.Register.File+" that was asked for is valid for more than 30 days.")
		p.Raw("</section>\n")
		return
	}
	p.table("Register", "Line", "State", "What")
	for _, n := range p.scan.Register.Notices {
		p.Raw("<tr>")
		at := n.ID
		if at == "" {
			at = text.Grouped(n.Line)
		}
		p.TD("Line", "num", at, "")
		p.TD("State", "", n.Kind, "")
		p.TD("What", "wide", n.Text, "")
		p.Raw("</tr>")
	}
	p.end(0)
	p.Raw("</section>\n")
}

// passed lists what passes, of a control that fails elsewhere with how many resources.
func (p page) passed() {
	p.Section("passed", "Passed", p.scan.Counts.Pass)
	groups := p.scan.groups(rootkeep.Pass)
	if len(groups) == 0 {
		p.Raw(`<p class="none">No control is known to pass.</p></section>` + "\n")
		return
	}
	judged := map[string]int{}
	for i := range p.scan.Findings {
		if f := &p.scan.Findings[i]; f.Status != rootkeep.NotApplicable {
			judged[f.Control]++
		}
	}
	p.Raw(`<ul class="passed">`)
	for i := range groups {
		g := &groups[i]
		p.Open("li", "")
		p.El("code", "", g.Control)
		p.El("span", "", g.Title)
		words := text.Counted(len(g.all), "resource")
		if all := judged[g.Control]; all > len(g.all) {
			words = text.Grouped(len(g.all)) + " of " + text.Counted(all, "resource")
		}
		p.El("span", "n", words)
		p.Raw("</li>")
	}
	p.Raw("</ul></section>\n")
}

// origins is how old the facts are.
func (p page) origins() {
	p.Section("facts", "Facts", 0)
	p.table("Facts", "Account", "Call", "Answered", "From")
	rows := 0
	for _, account := range p.scan.Accounts {
		for _, o := range account.Origins {
			if rows++; rows > mostRows {
				continue
			}
			p.Raw("<tr>")
			p.TD("Account", "num", named(account), account.Alias)
			p.TD("Call", "", o.Call, "")
			p.TD("Answered", "num", text.Stamp(o.At), "")
			p.TD("From", "id", o.File, "")
			p.Raw("</tr>")
		}
	}
	p.end(rows - mostRows)
	p.Raw(`<p class="fine">Times are UTC. Text from AWS is shown with control, invisible and direction-changing characters replaced by their codes; the JSON output has it exactly.</p></section>` + "\n")
}

func (p page) problems() {
	p.Section("problems", "Problems", len(p.scan.Problems))
	if len(p.scan.Problems) == 0 {
		p.Raw(`<p class="none">Everything that was asked for was read.</p></section>` + "\n")
		return
	}
	p.table("Problems", "Where", "What")
	for _, q := range p.scan.Problems[:min(len(p.scan.Problems), mostRows)] {
		p.Raw("<tr>")
		p.TD("Where", "id", q.File, "")
		p.TD("What", "wide", q.Reason, "")
		p.Raw("</tr>")
	}
	p.end(len(p.scan.Problems) - mostRows)
	p.Raw("</section>\n")
}
