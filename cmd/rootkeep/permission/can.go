package permission

import (
	"bufio"
	"io"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/matrix/answer"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

type canFlags struct {
	accountFlags
	output   string
	resource string
	all      bool
}

func iamCanCommand(s cli.Streams) *cobra.Command {
	var f canFlags
	c := &cobra.Command{
		Use:   "can PRINCIPAL [ACTION...] | can --all [ACTION...]",
		Short: "List what a principal can do, offline",
		Long: `Can lists the actions that a principal is allowed, and those that it is allowed only
under a condition, by service and access level. Text is written with wildcards: Get*
stands for every action of that access level and service whose name begins so; JSON
lists every action with the patterns on which it is allowed, what decided, and what
is taken out. What is not known never counts as allowed. Nothing is asked of AWS.

PRINCIPAL is an ARN, user/NAME, role/NAME or root. Actions or patterns of them narrow
the answer, and so does --resource: an ARN, or a pattern of ARNs; actions that do not
work on such a resource are not listed.

--all asks every principal of the account: text counts actions by access level, those
under a condition behind a plus; JSON and CSV list the actions, so that what is not
there is denied.

The policies of resources are treated as by rootkeep iam who-can. Exit code 5 when
part of the account could not be read.`,
		Example: `  rootkeep iam can user/ann --account details.json
  rootkeep iam can role/app 's3:*' --resource 'arn:aws:s3:::logs/*' --account details.json --scp root.json
  rootkeep iam can --all --output csv --account details.json > matrix.csv`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(s, args) },
	}
	f.add(c)
	f.addOwner(c)
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "text", "text or json; csv with --all")
	fl.StringVar(&f.resource, "resource", "", "ARN or pattern of ARNs to which the answer is narrowed")
	fl.BoolVar(&f.all, "all", false, "ask every principal")
	cli.CompleteValues(c, "output", []string{"text", "json", "csv"})
	return c
}

func (f *canFlags) run(s cli.Streams, args []string) error {
	switch {
	case f.output != "text" && f.output != "json" && f.output != "csv":
		return cli.Usage("--output %s: want text, json or csv", f.output)
	case f.output == "csv" && !f.all:
		return cli.Usage("--output csv lists every principal: give --all as well")
	case !f.all && len(args) == 0:
		return cli.Usage("want a principal or --all; hint: rootkeep iam can --help")
	}
	m, in, unread, err := f.matrix(s, f.resource)
	if err != nil {
		return err
	}
	var codes []int
	if unread {
		codes = append(codes, cli.ExitUnread)
	}
	q := answer.Question{Names: args, Resource: f.resource}
	if f.all {
		err = f.writeAll(s.Out, m, in, q, codes)
	} else {
		err = f.writeOne(s.Out, m, in, args[0], answer.Question{Names: args[1:], Resource: f.resource}, codes)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func (f *canFlags) writeOne(w io.Writer, m *matrix.Matrix, in matrix.Input, name string, q answer.Question, codes []int) error {
	c, err := answer.Find(m, name)
	if err != nil {
		return cli.Usage("%w", err)
	}
	d, err := answer.AskCan(m, in, c, q)
	if err != nil {
		return cli.Usage("%w", err)
	}
	d.ExitCodes = append(d.ExitCodes, codes...)
	if f.output == "json" {
		return cli.WriteJSON(w, d)
	}
	_, err = io.WriteString(w, d.Text(cli.Visible))
	return err
}

func (f *canFlags) writeAll(w io.Writer, m *matrix.Matrix, in matrix.Input, q answer.Question, codes []int) error {
	if err := q.Check(); err != nil {
		return cli.Usage("%w", err)
	}
	out := bufio.NewWriter(w)
	var err error
	switch f.output {
	case "json":
		h := answer.NewHead("rootkeep/iam-can-all/1", in)
		h.ExitCodes = append(h.ExitCodes, codes...)
		err = answer.WriteAllJSON(&cli.Inert{To: out}, h, m, q)
	case "csv":
		err = answer.WriteAllCSV(out, m, q, text.Cell)
	default:
		err = answer.WriteAllText(out, m, q, cli.Visible)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
