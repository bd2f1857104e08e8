import { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

import { Question } from './answer';
import { AnswerView } from './answerView';
import { IEditor } from './codeToolbar';
import { ANSWER_MIME, QUESTION_MIME } from './model';
import { InertSanitizer } from './sanitizer';

/** Lab's renderers behind our sanitizer, and the two bodies of our own messages. */
export function chatRendermime(lab: IRenderMimeRegistry, editor: IEditor): IRenderMimeRegistry {
  const registry = lab.clone({ sanitizer: new InertSanitizer(lab.sanitizer) });
  registry.addFactory({
    safe: true,
    mimeTypes: [ANSWER_MIME],
    createRenderer: () => new AnswerView(registry, editor)
  });
  registry.addFactory({
    safe: true,
    mimeTypes: [QUESTION_MIME],
    createRenderer: () => new QuestionView()
  });
  return registry;
}

/** What was asked, as typed. It may hold text of a file or a variable, so it is never markup. */
class QuestionView extends Widget implements IRenderMime.IRenderer {
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const question = model.data[QUESTION_MIME] as unknown as Question;
    this.node.className = 'tether-Question';
    this.node.textContent = question.words;
    if (question.context.length) {
      const list = document.createElement('ul');
      list.className = 'tether-context';
      list.setAttribute('aria-label', 'Sent along');
      for (const piece of question.context) {
        const item = document.createElement('li');
        item.textContent = piece.name;
        item.title = piece.text ?? '';
        list.append(item);
      }
      this.node.append(list);
    }
  }
}
