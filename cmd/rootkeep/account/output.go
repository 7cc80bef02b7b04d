package account

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/exchange"
)

// outputFlags say in which formats a scan is reported, and where.
type outputFlags struct {
	format, file, color string
	also                []string // FORMAT=FILE
	most                int
}

// formats are all that a scan is written in.
var formats = []string{"text", "json", "csv", "html", "junit", "sarif", "ocsf", "asff"}

func (f *outputFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.format, "output", "text", strings.Join(formats[:len(formats)-1], ", ")+" or "+formats[len(formats)-1])
	fl.StringVarP(&f.file, "file", "o", "", "write the report to this file instead of standard output")
	fl.StringArrayVar(&f.also, "also", nil, "write a further report, as FORMAT=FILE (repeatable)")
	fl.StringVar(&f.color, "color", "auto", "auto, always or never")
	fl.IntVar(&f.most, "max-resources", 0, "resources named for each control in text, 0: 5, -1: all")
	cli.CompleteValues(c, "output", formats)
	cli.CompleteValues(c, "color", []string{"auto", "always", "never"})
	starts := make([]string, len(formats))
	for i, name := range formats {
		starts[i] = name + "="
	}
	// The error is for an unknown flag, which the tests would show at once.
	_ = c.RegisterFlagCompletionFunc("also", cobra.FixedCompletions(starts, cobra.ShellCompDirectiveNoSpace))
}

func (f *outputFlags) check() error {
	if !slices.Contains(formats, f.format) {
		return cli.Usage("--output %s: want one of %s", f.format, strings.Join(formats, ", "))
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return cli.Usage("--color %s: want auto, always or never", f.color)
	}
	files := []string{f.file}
	for _, s := range f.also {
		format, file, _ := strings.Cut(s, "=")
		switch {
		case !slices.Contains(formats, format) || file == "":
			return cli.Usage("--also %s: want FORMAT=FILE, the format one of %s", s, strings.Join(formats, ", "))
		case slices.Contains(files, file):
			return cli.Usage("--also %s: another report goes to this file", s)
		}
		files = append(files, file)
	}
	return nil
}

// writes says whether one of the reports is in this format.
func (f *outputFlags) writes(format string) bool {
	return f.format == format || slices.ContainsFunc(f.also, func(s string) bool { return strings.HasPrefix(s, format+"=") })
}

// sayProblems names what could not be read beside a format on standard output that has
// no place for it.
func (f *outputFlags) sayProblems(w io.Writer, a *assessment.Assessment) {
	if !slices.Contains([]string{"csv", "junit", "ocsf", "asff"}, f.format) {
		return
	}
	for _, p := range a.Problems {
		fmt.Fprintf(w, "rootkeep: %s: %s\n", cli.Visible(p.File), cli.Visible(p.Reason))
	}
}

// report is one format with where it goes.
type report struct {
	*cli.Output
	format string
	stream bool // goes to standard output
	text   assessment.TextOptions
}

// reports are those that were asked for. Only the first may go to standard output.
type reports []report

// open opens every file before the scan begins, so that none is found unwritable after
// it.
func (f *outputFlags) open(s cli.Streams) (reports, error) {
	var out reports
	for _, one := range append([]string{f.format + "=" + f.file}, f.also...) {
		format, file, _ := strings.Cut(one, "=")
		o, err := cli.OpenOutput(file, s.Out)
		if err != nil {
			out.discard()
			return nil, err
		}
		_, terminal := cli.TerminalWidth(s.Out)
		color := f.color == "always" || f.color == "auto" && terminal && file == "" && os.Getenv("NO_COLOR") == ""
		out = append(out, report{o, format, file == "", assessment.TextOptions{Color: color, Most: f.most}})
	}
	return out, nil
}

func (r reports) discard() {
	for _, o := range r {
		o.Discard()
	}
}

// write writes all. Files are put in their places once each of them is whole, and before
// standard output: whoever reads that may go away.
func (r reports) write(a *assessment.Assessment, region rootkeep.Region) error {
	files, streams := r, reports{}
	if r[0].stream {
		files, streams = r[1:], r[:1]
	}
	for _, list := range []reports{files, streams} {
		for _, o := range list {
			if err := o.render(a, region); err != nil {
				return err
			}
		}
		for _, o := range list {
			if err := o.Commit(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o report) render(a *assessment.Assessment, region rootkeep.Region) error {
	switch o.format {
	case "json":
		return a.JSON(o)
	case "csv":
		return a.CSV(o)
	case "html":
		return a.HTML(o)
	case "junit":
		return a.JUnit(o)
	case "sarif":
		return exchange.ScanSARIF(o, a)
	case "ocsf":
		return exchange.ScanOCSF(o, a)
	case "asff":
		return asff.Write(o, a, region)
	}
	return a.Text(o, o.text)
}
