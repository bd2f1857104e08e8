import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/notebook/prose.js';

const { isProse } = module;

for (const words of [
  'I cannot do this without the file.\nPlease say where it is.',
  "I can't help with that.",
  'No.',
  '"I cannot do this without the file."',
  'Es tut mir leid, das geht nicht (mir fehlt die Datei).',
  'Désolé, je ne peux pas faire cela : le fichier manque !',
  '¿Qué columna quieres decir?',
  'Извините, я не могу этого сделать.',
  '抱歉，我无法完成这个请求。',
  '抱歉，我找不到 df_raw（见上）。',
  '申し訳ありませんが、`df` が定義されていません。',
  '죄송합니다. 이 요청은 처리할 수 없습니다.',
  'عذرًا، لا أستطيع القيام بذلك.',
  'क्षमा करें, मैं यह नहीं कर सकता।',
  'ขออภัย ฉันไม่สามารถทำสิ่งนี้ได้',
  "I don't know what df_raw is.",
  "I can't call load_data(path), since it isn't defined (see above).",
  'Sorry, there is no column df["price"] in what you sent.',
  '`df` is not defined in this notebook.',
  'I cannot do this without\nthe file (see above), so please\nsend it.',
  'To do this I need the following:\n- the file\n- the names of the columns',
  'Which one do you mean?\n\n1. The mean of a row.\n2. The mean of a column.'
]) {
  test(`these are words: ${words.slice(0, 40)}`, () => assert.ok(isProse(words)));
}

for (const code of [
  'x = 1',
  'df',
  'DataFrame?',
  'df.head?',
  'pass',
  'print("Hello there, all of you.")',
  'text = "I cannot do this without the file."',
  "raise ValueError('No such file is there.')",
  'print(f"Total: {d[\'a\']} is all there is.")',
  '# Load the whole table first.\n# Then plot it.',
  'Total = a or b  # The sum of all that there is.',
  '"""This module loads the data.\n\nIt does nothing else at all.\n"""',
  "'''This module loads the data.'''",
  'x if y else z',
  'for each in all_of_them:\n    pass',
  'assert a is not None',
  'from a import b as c',
  'True if this or that else None',
  '%%markdown\nThis is what we found in the data.',
  '!echo This is what we found.',
  'echo this is the first of two\necho and this is what we found.',
  'Total <- a and b',
  'Msg <- "Dear all,\nthis is what we found.\nBest"',
  'x <- "a"\n# All is well that ends well.',
  'SELECT name FROM people WHERE age IS NOT NULL',
  'SELECT name, age, city,\n  total\nFROM people;',
  '-- All people that there are.\nSELECT name FROM people',
  "INSERT INTO notes VALUES (1, 'It is done now.');",
  'sort!(xs)',
  'sort!',
  '数据总和 = 读取()  # 读取所有数据。',
  'print("你好，世界，这是一个句子。")',
  '数据总和的平均值',
  'import 売上データの集計用モジュール',
  'for 行 in 売上データの一覧:\n    print(行)',
  'y = 2.',
  'Rows = [\n    1.,\n    2.]',
  'MODEL.fit(X, y)',
  'const s = `I cannot do this.`;',
  '<p>This is what we found in the data.</p>',
  'A @ B',
  'Figure(width=3)\nShow the plot.'
]) {
  test(`this is code: ${JSON.stringify(code.slice(0, 40))}`, () => assert.ok(!isProse(code)));
}

test('nothing is no words', () => assert.ok(!isProse(' \n')));
