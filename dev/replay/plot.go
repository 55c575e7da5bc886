package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The drawing's measures, in points.
const (
	width, height = 720, 380
	legendWidth   = 130
	margin        = 12
	dot           = 1.5
	ring          = 2.4
)

// colours can be told apart also by who sees few colours (Okabe and Ito, "Color Universal Design").
var colours = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff},
}

// greys are for bounds, which are no plans.
var greys = []color.RGBA{{0xb8, 0xb8, 0xb8, 0xff}, {0x70, 0x70, 0x70, 0xff}}

// writeFigures draws all figures into a folder. The same figures give the same bytes.
func writeFigures(dir string, figures []figure) error {
	for _, f := range figures {
		drawn, err := f.draw()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.file), drawn, 0o644)
		}
		if err != nil {
			return fmt.Errorf("draw %s: %w", f.file, err)
		}
	}
	return nil
}

// draw makes an SVG of the figure: the legend stands beside the data, where it covers none.
func (f figure) draw() ([]byte, error) {
	plot.DefaultFont.Variant = "Sans"
	p, legend := plot.New(), plot.NewLegend()
	p.Title.Text, p.Title.Padding = f.title, vg.Points(10)
	p.Title.TextStyle.Font.Size = vg.Points(12)
	p.Y.Label.Text, p.Y.Label.Padding = f.unit, vg.Points(6)
	p.Y.Label.TextStyle.Font.Size = vg.Points(11)
	p.X.Tick.Marker = plot.TickerFunc(monthTicks)
	f.scale(p)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	thumbs := make([]plot.Thumbnailer, len(f.curves))
	paints := paints(f.curves)
	for i, c := range f.curves {
		drawn, err := f.curve(c, paints[i])
		if err != nil {
			return nil, err
		}
		p.Add(drawn)
		thumbs[i] = drawn
	}
	legend.Left, legend.Top, legend.Padding = true, true, vg.Points(5)
	legend.TextStyle.Font.Size = vg.Points(10)
	for i, c := range slices.Backward(f.curves) { // what is drawn last lies on top, there too
		legend.Add(c.name, thumbs[i])
	}
	return render(p, &legend)
}

// scale sets up the axis of values.
func (f figure) scale(p *plot.Plot) {
	var most float64
	for _, c := range f.curves {
		most = max(most, slices.Max(c.values))
	}
	ticks := evenTicks(most)
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, ticks[len(ticks)-1].Value, plot.ConstantTicks(ticks)
	if f.floor > 0 {
		p.Y.Min, p.Y.Max = f.floor, math.Pow10(int(math.Ceil(math.Log10(max(most, 10*f.floor)))))
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(powerTicks)
	}
}

// paints gives each plan a colour, and each bound a grey, in their order.
func paints(curves []curve) []color.Color {
	chosen := make([]color.Color, len(curves))
	plans, bounds := 0, 0
	for i, c := range curves {
		if c.bound {
			chosen[i] = greys[bounds%len(greys)]
			bounds++
		} else {
			chosen[i] = colours[plans%len(colours)]
			plans++
		}
	}
	return chosen
}

// drawn is what a curve is on a plot, and in the legend.
type drawn interface {
	plot.Plotter
	plot.Thumbnailer
}

func (f figure) curve(c curve, paint color.Color) (drawn, error) {
	points := make(plotter.XYs, len(c.values))
	for i, value := range c.values {
		points[i] = plotter.XY{X: float64(c.times[i].Unix()), Y: max(value, f.floor)}
	}
	if c.dots {
		scatter, err := plotter.NewScatter(points)
		if err == nil {
			scatter.GlyphStyle = draw.GlyphStyle{Color: paint, Radius: vg.Points(dot), Shape: draw.CircleGlyph{}}
			if !c.bound { // several plans may have one value: rings let through what is below them
				scatter.Radius, scatter.Shape = vg.Points(ring), ringGlyph{}
			}
		}
		return scatter, err
	}
	line, err := plotter.NewLine(points)
	if err == nil {
		line.LineStyle = draw.LineStyle{Color: paint, Width: vg.Points(1.2)}
		line.StepStyle = plotter.PostStep // an image stays as it is until the next update
	}
	return line, err
}

// ringGlyph is draw.RingGlyph, in a width that shows its colour.
type ringGlyph struct{}

func (ringGlyph) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: vg.Points(1)})
	var path vg.Path
	path.Move(vg.Point{X: at.X + style.Radius, Y: at.Y})
	path.Arc(at, style.Radius, 0, 2*math.Pi)
	path.Close()
	c.Stroke(path)
}

// render lays plot and legend beside each other.
func render(p *plot.Plot, legend *plot.Legend) ([]byte, error) {
	canvas := vgsvg.New(width, height)
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Rectangle.Path())
	p.BackgroundColor = nil
	p.Draw(draw.Crop(all, margin, -legendWidth-margin, margin, -margin))
	legend.Draw(draw.Crop(all, width-legendWidth, -margin, margin, -margin-30))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	// Arial and Helvetica have the same widths, where the font of the measuring is missing.
	return bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif")), nil
}

// evenTicks marks 0 and four to ten round values above it, the last of which is not below most.
func evenTicks(most float64) []plot.Tick {
	step := 1.0
	if most > 0 {
		step = math.Pow10(int(math.Floor(math.Log10(most))))
	}
	switch parts := most / step; {
	case parts <= 2:
		step /= 5
	case parts <= 5:
		step /= 2
	}
	ticks := []plot.Tick{{Label: "0"}}
	for i := 1; ticks[len(ticks)-1].Value < most || i == 1; i++ {
		value := float64(i) * step
		ticks = append(ticks, plot.Tick{Value: value, Label: strconv.FormatFloat(value, 'g', 6, 64)})
	}
	return ticks
}

// powerTicks marks powers of ten; the lowest stands for all that is less.
func powerTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Round(math.Log10(low)); power <= math.Round(math.Log10(high)); power++ {
		value := math.Pow10(int(power))
		label := strconv.FormatFloat(value, 'f', -1, 64)
		if len(ticks) == 0 {
			label = "≤ " + label
		}
		ticks = append(ticks, plot.Tick{Value: value, Label: label})
		for i := 2.0; i < 10; i++ {
			ticks = append(ticks, plot.Tick{Value: i * value})
		}
	}
	return ticks
}

// mostMonths is for how many marks there is room.
const mostMonths = 8

// monthTicks marks the beginnings of months, or days where there are too few months.
func monthTicks(low, high float64) []plot.Tick {
	from, to := time.Unix(int64(low), 0).UTC(), time.Unix(int64(high), 0).UTC()
	var months []plot.Tick
	for at := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !at.After(to); at = at.AddDate(0, 1, 0) {
		if !at.Before(from) {
			months = append(months, plot.Tick{Value: float64(at.Unix()), Label: at.Format("2006-01")})
		}
	}
	if len(months) < 2 {
		return plot.TimeTicks{Format: time.DateOnly, Ticker: plot.DefaultTicks{}}.Ticks(low, high)
	}
	every := (len(months) + mostMonths - 1) / mostMonths
	for i := range months {
		if i%every != 0 {
			months[i].Label = ""
		}
	}
	return months
}
