import type { Command } from 'commander'
import { evaluate, type EvaluateReport } from '../video/evaluate.ts'
import { engineOptions } from './engine-options.ts'
import { interruptible } from './interrupt.ts'
import { addMattingOptions, type MattingFlags } from './matting-options.ts'
import { plural } from './plural.ts'
import { progressBar } from './progress-bar.ts'

const METRICS = `
Prints the paper's metrics: MAD and MSE (times 1000), Grad and Conn (divided by 1000), dtSSD (times 100), IoU at 0.5.
<clip> may be a picture or a folder of pictures, too.`

export function registerEval(program: Command): void {
  const command = program
    .command('eval <clip> <truth>')
    .description('measure the matte of a clip against the true alpha')
  addMattingOptions(command).addHelpText('after', METRICS).action(evalCommand)
}

async function evalCommand(clip: string, truth: string, flags: MattingFlags): Promise<void> {
  const { decontaminate, from, to } = flags
  const { engine } = await engineOptions(flags)
  const bar = progressBar()
  const report = await interruptible((signal) =>
    evaluate({ ...engine, clip, truth, decontaminate, from, to }, (progress) => bar.update(progress), signal).finally(
      () => bar.stop(),
    ),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : said(report))
}

function said({
  mad,
  mse,
  grad,
  conn,
  dtssd,
  iou,
  frames,
  lowRes,
  refiner,
  provider,
  msPerFrame,
  warnings,
}: EvaluateReport): string {
  const figure = (name: string, value: number | null, digits = 2): string => `${name} ${value?.toFixed(digits) ?? '–'}`
  const figures = [figure('MAD', mad), figure('MSE', mse), figure('Grad', grad), figure('Conn', conn)]
  figures.push(figure('dtSSD', dtssd), figure('IoU', iou, 3))
  const how = `${plural(frames, 'frame')} at ${lowRes.join('x')}, refiner ${refiner}, on ${provider}, ${msPerFrame.toFixed(1)} ms a frame`
  return [figures.join('   '), how, ...warnings, ''].join('\n')
}
