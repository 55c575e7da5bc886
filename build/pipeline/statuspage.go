package pipeline

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/integration"
)

// statusPage is one file with all that it needs: it can be sent, or put on any server.
//
//go:embed statuspage.html
var statusPage string

// pageRow is a package in all distributions; Text is what a search looks at.
type pageRow struct {
	Name  integration.Name
	Text  string
	Cells []pageCell
}

// pageCell is a package in one distribution: the newest version, empty where there is none, and the others, the newest first.
// Own says whether the newest is from the distribution's own branch.
type pageCell struct {
	Distribution string
	Newest       integration.Version
	Own          bool
	Older        []integration.Version
}

// Page is the status as a page of HTML.
func (status Status) Page() ([]byte, error) {
	page, err := template.New("status").Parse(statusPage)
	if err != nil {
		return nil, errors.Wrap(err, "read the status page")
	}
	data := struct {
		Status
		Columns []string
		Rows    []pageRow
	}{Status: status}
	rows := map[integration.Name]*pageRow{}
	for _, d := range status.Distributions {
		if d.Commit == "" {
			continue
		}
		data.Columns = append(data.Columns, d.Name)
		for _, p := range slices.Backward(d.Packages) { // the newest first
			row := rows[p.Name]
			if row == nil {
				row = &pageRow{Name: p.Name, Text: string(p.Name)}
				rows[p.Name] = row
			}
			for len(row.Cells) < len(data.Columns) {
				row.Cells = append(row.Cells, pageCell{Distribution: data.Columns[len(row.Cells)]})
			}
			cell := &row.Cells[len(row.Cells)-1]
			if cell.Newest == "" {
				cell.Newest, cell.Own = p.Version, p.Branch == d.Branch
			} else {
				cell.Older = append(cell.Older, p.Version)
			}
			if text := " " + strings.ToLower(string(p.Name)+"-"+string(p.Version)); !strings.Contains(row.Text+" ", text+" ") {
				row.Text += text
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := rows[name]
		for len(row.Cells) < len(data.Columns) {
			row.Cells = append(row.Cells, pageCell{Distribution: data.Columns[len(row.Cells)]})
		}
		data.Rows = append(data.Rows, *row)
	}
	var out bytes.Buffer
	err = page.Execute(&out, data)
	return out.Bytes(), errors.Wrap(err, "write the status page")
}

// WriteStatusPage writes the page into the output folder, at once, and says where it is.
func (s *Session) WriteStatusPage(status Status) (string, error) {
	page, err := status.Page()
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.config.Dist, "status.html")
	if err := os.MkdirAll(s.config.Dist, 0o755); err != nil {
		return "", &OutputError{path, err}
	}
	beside, err := os.CreateTemp(s.config.Dist, ".status-*.html")
	if err != nil {
		return "", &OutputError{path, err}
	}
	_, err = beside.Write(page)
	err = firstError(err, beside.Chmod(0o644), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), path)
	}
	if err != nil {
		os.Remove(beside.Name())
		return "", &OutputError{path, err}
	}
	return path, nil
}
